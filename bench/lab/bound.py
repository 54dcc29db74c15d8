"""Pure: how long any scheme at all needs, until everybody has all of a file.

Kurose and Ross, Computer Networking, 2.5, in the general form: links that differ, several holders
of the whole file, and viewers that arrive one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BITS = 8


@dataclass(frozen=True)
class Link:
    """A host's connection to the network. Rates in Mbit/s; 0 = not shaped."""

    up: float
    down: float


@dataclass(frozen=True)
class Visit:
    """A viewer: its link, and when it arrives, in seconds after the first one."""

    link: Link
    arrives: float = 0.0


def lower_bound(size: int, origins: Sequence[Link], visits: Sequence[Visit]) -> float:
    """Seconds from the first arrival until the last viewer can have all `size` bytes.

    Three things take their time: the origins send every byte at least once; every viewer takes
    every byte, from its arrival on; and all uplinks together, each from when it is there, carry
    a copy for every viewer. Nothing here depends on who sends what to whom.
    """
    if not visits:
        return 0.0
    origin_up = sum(_rate(link.up) for link in origins)
    last_taker = max(visit.arrives + size / _rate(visit.link.down) for visit in visits)
    all_up = origin_up + sum(_rate(visit.link.up) for visit in visits)
    late = sum(visit.arrives * _rate(visit.link.up) for visit in visits if visit.arrives)
    # All uplinks: sum of up * (T - arrives) = viewers * size, solved for T. Where it ends before
    # somebody's arrival it is too much, but then `last_taker` is more.
    together = 0.0 if math.isinf(all_up) else (len(visits) * size + late) / all_up
    return max(size / origin_up, last_taker, together)


def _rate(megabits: float) -> float:
    """Bytes per second."""
    return megabits * 1e6 / BITS if megabits else math.inf
