"""Pure: whether we pass on what our lane brings as fast as the others do.

Whoever has little to give still gets its n-th part of what the seeds send. If that is its lane,
nobody else has it, and all wait for somebody who can hardly pass it on.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

from .lanes import Lane

# So many pieces of our lane are here, and not with half of the others; and to pass on what comes
# would take a line so many times as fast; for so long.
FEWEST_PIECES = 2
TIMES = 3.0
SECONDS = 2.0


def backlog(pieces: tuple[int, int], have: Container[int], held: Sequence[int], lane: Lane) -> int:
    """How many pieces of our lane are here, and with less than half of the other leechers.

    `pieces` and `held` are those of `lanes.Swarm`.
    """
    first, last = pieces
    ours = range(first + lane.rank, last, lane.size)
    return sum(piece in have and 2 * held[piece] < lane.size - 1 for piece in ours)


class Relaying:
    """Whether our lane is too much for our line, and stays so."""

    def __init__(self) -> None:
        self._since = math.inf

    def falls_behind(self, waiting: int, *, needed: float, line: float, now: float) -> bool:
        """Say that we had better have no lane, of which so many pieces wait: see `backlog`.

        Rates are in bytes/s: what would have to be sent to pass on the lane to all as fast as it
        comes, and what our line carries (0: not known). `now` is in seconds, of any clock.
        """
        if waiting < FEWEST_PIECES or not 0 < TIMES * line < needed:
            self._since = math.inf
            return False
        self._since = min(self._since, now)
        return now - self._since >= SECONDS
