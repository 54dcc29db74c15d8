"""A flash crowd that watches: everybody presses play at the same moment."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.clients.nginx import Nginx
from bench.lab.clients.npm import Peerflix, Webtorrent
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import AT_ONCE, NETWORK, ORIGIN, PLAYER, VIEWERS
from bench.lab.trial import Plan
from bench.table import Table

WATCH = scenario.Scenario(
    name="lab.watch",
    title=f"A flash crowd that watches: {VIEWERS} viewers at once, one origin",
    note=f"{NETWORK} {PLAYER}",
    film=crowd_film,
    plans={"": Plan(ORIGIN, AT_ONCE, watching=True, patience=6)},
    rivals=(Webtorrent, Peerflix, Nginx),
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(WATCH, directory)
