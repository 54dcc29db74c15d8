"""A flash crowd: everybody wants the same video at the same moment, from one origin."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.clients.aria2 import Aria2
from bench.lab.clients.qbittorrent import QBittorrent
from bench.lab.clients.transmission import Transmission
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import AT_ONCE, NETWORK, ORIGIN, VIEWERS
from bench.lab.trial import Plan
from bench.table import Table

FLASH = scenario.Scenario(
    name="lab.flash",
    title=f"A flash crowd that fetches: {VIEWERS} viewers at once, one origin",
    note=f"{NETWORK} The bound is that of Kurose and Ross for any scheme; copies are counted at "
    "the origin's link, headers included.",
    film=crowd_film,
    plans={"": Plan(ORIGIN, AT_ONCE)},
    rivals=(Aria2, QBittorrent, Transmission),
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(FLASH, directory)
