"""Pure: how often each address may ask. Time is passed in, in seconds."""

from __future__ import annotations

from collections import OrderedDict

MOST_ADDRESSES = 100_000


class Rates:
    """A budget for each address, which refills over time (a token bucket)."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        """`burst` is what an address may spend at once, `per_second` what it regains."""
        self._per_second = per_second
        self._burst = burst
        # What each address has spent and not regained, and when that was reckoned; the one that
        # asked longest ago first.
        self._spent: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, address: bytes, now: float, cost: float = 1.0) -> float:
        """Spend `cost`; 0 where that is allowed, else the seconds until it will be."""
        self._forget(now)
        spent = self._owed(address, now) + cost
        if spent > self._burst:
            return (spent - self._burst) / self._per_second
        self._spent[address] = (spent, now)
        self._spent.move_to_end(address)
        return 0.0

    def _owed(self, address: bytes, now: float) -> float:
        spent, since = self._spent.get(address, (0.0, now))
        return max(0.0, spent - max(0.0, now - since) * self._per_second)

    def _forget(self, now: float) -> None:
        while self._spent:
            address = next(iter(self._spent))
            if self._owed(address, now) > 0 and len(self._spent) < MOST_ADDRESSES:
                return
            del self._spent[address]
