"""Pure: sending at no more than a rate. Times are seconds of a steady clock, rates bytes/s."""

from __future__ import annotations

SWARM_LEAST = 8  # the swarm keeps an eighth of the upload limit, whatever HTTP streams want


class Pace:
    """Hands out a rate in the order of asking, so that all who ask get the same share."""

    def __init__(self) -> None:
        self._free_at = float("-inf")

    def reserve(self, size: int, rate: int, now: float) -> float:
        """Book `size` bytes; return how long to wait before they are sent. Rate 0: no limit.

        In no span of time more is sent than it has room for, but for one booking: what was not
        used is not saved up.
        """
        if rate <= 0:
            return 0.0
        start = max(self._free_at, now)
        self._free_at = start + size / rate
        return start - now


def swarm_share(limit: int, http: int) -> int:
    """What the swarm may upload while HTTP streams send `http`, so that both keep to `limit`."""
    if limit <= 0:
        return 0
    return max(limit - http, limit // SWARM_LEAST, 1)
