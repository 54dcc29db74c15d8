"""Viewers come one after the other, and watch."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.clients.npm import Webtorrent
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import EVERY_SECONDS, NETWORK, ONE_BY_ONE, ORIGIN, PLAYER, VIEWERS
from bench.lab.trial import Plan
from bench.table import Table

ARRIVALS = scenario.Scenario(
    name="lab.arrivals",
    title=f"A viewer every {EVERY_SECONDS:.0f} s: {VIEWERS} watch, one origin",
    note=f"{NETWORK} {PLAYER} Time counts from the first arrival.",
    film=crowd_film,
    plans={"": Plan(ORIGIN, ONE_BY_ONE, watching=True, patience=6)},
    rivals=(Webtorrent,),
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(ARRIVALS, directory)
