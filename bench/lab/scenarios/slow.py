"""A slow holder beside a fast one: it must not hold anything up."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.bound import Link, Visit
from bench.lab.clients.npm import Webtorrent
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import LINK, PLAYER
from bench.lab.trial import Plan
from bench.table import Table

FAST, SLOW = Link(up=16, down=40), Link(up=0.5, down=40)
VIEWER = (Visit(LINK),)

SLOW_HOLDER = scenario.Scenario(
    name="lab.slow",
    title=f"A holder of {SLOW.up} Mbit/s beside one of {FAST.up:.0f}, one viewer",
    note=f"25 MB, 3 Mbit/s, watched by one viewer. {PLAYER} Beside the slow holder it should not "
    "take longer than without it.",
    film=crowd_film,
    plans={
        "fast alone": Plan((FAST,), VIEWER, watching=True),
        "fast and slow": Plan((FAST, SLOW), VIEWER, watching=True),
    },
    rivals=(Webtorrent,),
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(SLOW_HOLDER, directory)
