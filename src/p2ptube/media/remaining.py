"""Pure: estimates how long a piece of work will still take."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMOOTHING = 10.0  # seconds: how far back the rate remembers
SETTLING = 1.0  # seconds of work before the first estimate is worth showing


@dataclass(frozen=True, slots=True)
class Estimate:
    """Progress (0..1) observed at `at` (seconds), and its smoothed rate per second."""

    began: float
    at: float
    progress: float
    rate: float = 0.0

    def advance(self, now: float, progress: float) -> Estimate:
        """The estimate after `progress` was observed at `now`.

        Time and progress never run backwards: smaller values count as no change.
        """
        now, progress = max(now, self.at), max(progress, self.progress)
        elapsed = now - self.at
        if elapsed <= 0:
            return Estimate(self.began, self.at, progress, self.rate)
        current = (progress - self.progress) / elapsed
        # The first interval has nothing to be smoothed with.
        weight = 1.0 if self.rate == 0 else 1 - math.exp(-elapsed / SMOOTHING)
        return Estimate(self.began, now, progress, self.rate + weight * (current - self.rate))

    @property
    def remaining(self) -> float | None:
        """Seconds until progress 1 at the present rate; None while that cannot be told."""
        if self.progress >= 1:
            return 0.0
        if self.rate <= 0 or self.at - self.began < SETTLING:
            return None
        seconds = (1 - self.progress) / self.rate
        return seconds if math.isfinite(seconds) else None
