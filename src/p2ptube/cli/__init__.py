"""The command line: one function per verb."""

from __future__ import annotations

from .app import main

__all__ = ["main"]
