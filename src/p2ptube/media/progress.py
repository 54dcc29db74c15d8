"""What an import reports while it works, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["probe", "copy", "transcode", "poster"]

INTERVAL = 0.1  # seconds between two reports of one stage


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `stage` is: `fraction` from 0 to 1."""

    stage: Stage
    fraction: float


Report = Callable[[Progress], None]


class Throttle:
    """Passes reports on, ten a second at most; begin and end of a stage always."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stage: Stage | None = None
        self._due = 0.0

    def __call__(self, stage: Stage, fraction: float) -> None:
        """Report that `stage` is at `fraction` (cut to 0..1)."""
        now = time.monotonic()
        if stage != self._stage or now >= self._due or fraction >= 1:
            self._stage, self._due = stage, now + INTERVAL
            self._report(Progress(stage, min(max(fraction, 0.0), 1.0)))
