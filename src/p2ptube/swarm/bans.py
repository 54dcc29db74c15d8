"""Pure: when somebody who was banned is given another chance.

libtorrent bans for good who alone sent a piece with a wrong hash. Where he is the only holder that
can be reached, the video would never arrive, though it may be all right with him by now: a file
that was edited while it was being served, a disk or a memory with a fault.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_SECONDS = 4.0
LONGEST_SECONDS = 600.0


@dataclass
class _Ban:
    until: float
    seconds: float


class Bans:
    """Those of one torrent, by the address without the port; `now` in seconds, of any clock."""

    def __init__(self) -> None:
        self._bans: dict[str, _Ban] = {}

    def add(self, host: str, now: float) -> None:
        """He was banned just now; if it is not the first time, for twice as long as before."""
        before = self._bans.get(host)
        seconds = min(2 * before.seconds, LONGEST_SECONDS) if before else FIRST_SECONDS
        self._bans[host] = _Ban(now + seconds, seconds)

    def is_over(self, host: str, now: float) -> bool:
        """Whether he was banned and is to have another chance now.

        It is said again and again, each time after twice as long: he may be away just then, or
        banned once more for a piece that was still being checked.
        """
        ban = self._bans.get(host)
        if ban is None or now < ban.until:
            return False
        self.add(host, now)
        return True
