"""The fixtures of the tests of trackers."""

from __future__ import annotations

from tests.tracker.indexing import clock, index

__all__ = ["clock", "index"]
