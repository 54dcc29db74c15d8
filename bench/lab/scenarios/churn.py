"""Viewers come one after the other, and are gone as soon as they have everything."""

from __future__ import annotations

from pathlib import Path

from bench.lab import scenario
from bench.lab.clients.aria2 import Aria2
from bench.lab.films import crowd_film
from bench.lab.scenarios.usual import EVERY_SECONDS, NETWORK, ONE_BY_ONE, ORIGIN, VIEWERS
from bench.lab.trial import Plan
from bench.table import Table

CHURN = scenario.Scenario(
    name="lab.churn",
    title=f"Churn: {VIEWERS} viewers, one every {EVERY_SECONDS:.0f} s, that leave when done",
    note=f"{NETWORK} Time counts from the first arrival. The bound is that for viewers who stay.",
    film=crowd_film,
    plans={"": Plan(ORIGIN, ONE_BY_ONE, leaving=True)},
    rivals=(Aria2,),
    runs=3,
)


def tables(directory: Path) -> list[Table]:
    return scenario.tables(CHURN, directory)
