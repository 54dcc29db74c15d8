"""Settings of the whole test run."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("p2ptube", deadline=None)
settings.load_profile("p2ptube")
