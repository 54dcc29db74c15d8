"""A local network without any NAT: fast links, where programs and processors set the pace."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.bound import Link, Visit
from bench.lab.clients.aria2 import Aria2
from bench.lab.clients.nginx import Nginx
from bench.lab.clients.npm import Webtorrent
from bench.lab.clients.qbittorrent import QBittorrent
from bench.lab.films import large_film
from bench.lab.scenarios.usual import VIEWERS
from bench.lab.trial import Plan
from bench.table import Table

LINK = Link(up=100, down=100)

LAN = scenario.Scenario(
    name="lab.lan",
    title=f"A local network of {LINK.up:.0f} Mbit/s: {VIEWERS} viewers at once, one origin",
    note=f"100 MB, fetched. All {VIEWERS + 1} programs share the processors of one machine.",
    film=large_film,
    plans={"": Plan((LINK,), (Visit(LINK),) * VIEWERS)},
    rivals=(Aria2, QBittorrent, Webtorrent, Nginx),
    runs=3,
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(LAN, directory)
