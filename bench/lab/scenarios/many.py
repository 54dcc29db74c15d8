"""Thirty viewers at once."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.bound import Visit
from bench.lab.clients.aria2 import Aria2
from bench.lab.clients.qbittorrent import QBittorrent
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import LINK, NETWORK, ORIGIN, PLAYER
from bench.lab.trial import Plan
from bench.table import Table

VIEWERS = 30
VISITS = (Visit(LINK),) * VIEWERS

MANY = scenario.Scenario(
    name="lab.many",
    title=f"A larger crowd: {VIEWERS} viewers at once, one origin",
    note=f"{NETWORK} {PLAYER} All {VIEWERS + 1} programs share the processors of one machine.",
    film=crowd_film,
    plans={"fetched": Plan(ORIGIN, VISITS), "watched": Plan(ORIGIN, VISITS, watching=True)},
    rivals=(Aria2, QBittorrent),
    runs=1,
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(MANY, directory)
