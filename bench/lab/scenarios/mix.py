"""Viewers with different uplinks: some can hardly give anything."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.bound import Link, Visit
from bench.lab.clients.aria2 import Aria2
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import LINK, ORIGIN, PLAYER
from bench.lab.trial import Plan
from bench.table import Table

UPLINKS = (1, 8, 1, 8, 1, 8, 1, 8)  # Mbit/s
VISITS = tuple(Visit(Link(up, LINK.down)) for up in UPLINKS)

MIX = scenario.Scenario(
    name="lab.mix",
    title=f"Unequal viewers: {len(UPLINKS)} at once, half of them with an uplink of 1 Mbit/s",
    note=f"The origin and the other viewers have {LINK.up:.0f} Mbit/s up, all {LINK.down:.0f} "
    f"down; 25 MB, 3 Mbit/s. {PLAYER}",
    film=crowd_film,
    plans={"fetched": Plan(ORIGIN, VISITS), "watched": Plan(ORIGIN, VISITS, watching=True)},
    rivals=(Aria2,),
    runs=2,
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(MIX, directory)
