"""A scenario: the same plans for several programs, run after run, and what comes out."""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from bench.lab import plots
from bench.lab.clients.base import Client
from bench.lab.clients.ours import Ours
from bench.lab.clients.registry import chosen
from bench.lab.films import Film
from bench.lab.report import FETCHED, WATCHED, Figures
from bench.lab.trace import publish
from bench.lab.trial import Outcome, Plan, trial
from bench.table import Table

FAILURES = (OSError, httpx.HTTPError, http.client.HTTPException, ValueError)
# 0: every scenario has its own number.
ASKED_RUNS = int(os.environ.get("BENCH_LAB_RUNS", "0"))


@dataclass(frozen=True)
class Scenario:
    """`plans` by the label of their rows; `runs` for ours, `rival_runs` for the others.

    BENCH_LAB_RUNS replaces `runs`, and bounds `rival_runs`.
    """

    name: str
    title: str
    note: str
    film: Callable[[], Film]
    plans: dict[str, Plan]
    rivals: tuple[type[Client], ...] = ()
    runs: int = 5
    rival_runs: int = 1

    @property
    def watching(self) -> bool:
        return any(plan.watching for plan in self.plans.values())

    def runs_of(self, kind: type[Client]) -> int:
        return runs_of(kind, self.runs, self.rival_runs)


def runs_of(kind: type[Client], runs: int, rival_runs: int) -> int:
    """How often a program is measured, as the environment wants it."""
    ours = ASKED_RUNS or runs
    return ours if kind is Ours else min(ours, rival_runs)


def tables(scenario: Scenario, directory: Path) -> list[Table]:
    """Measure a scenario: each run goes through all programs before the next begins."""
    outcomes: dict[str, list[Outcome]] = {}
    failed: dict[str, int] = {}
    for label, result in _results(scenario, directory):
        if result is None:
            failed[label] = failed.get(label, 0) + 1
        else:
            outcomes.setdefault(label, []).append(result)
    columns = WATCHED if scenario.watching else FETCHED
    table = Table(scenario.title, columns, f"{scenario.note} {_conditions(scenario)}")
    figures = {label: Figures.of(runs) for label, runs in outcomes.items()}
    for label in dict.fromkeys([*outcomes, *failed]):
        if label in figures:
            cells = figures[label].cells(watching=scenario.watching)
        else:
            cells = ("0", *["-"] * (len(columns) - 2))
        fails = f" ({failed[label]} failed)" if label in failed else ""
        table.add(label, f"{cells[0]}{fails}", *cells[1:])
    if figures:
        middle = {label: _middle_run(runs) for label, runs in outcomes.items()}
        table.plots += plots.draw(scenario.name, scenario.title, figures, middle, directory)
    return [table]


def _results(scenario: Scenario, directory: Path) -> Iterator[tuple[str, Outcome | None]]:
    film, kinds = scenario.film(), chosen(scenario.rivals)
    for run in range(max(map(scenario.runs_of, kinds))):
        for kind in kinds:
            if run >= scenario.runs_of(kind):
                continue
            for plan_name, plan in scenario.plans.items():
                label = f"{kind.name}, {plan_name}" if plan_name else kind.name
                if plan.watching and not kind.plays:
                    continue
                where = directory / f"{scenario.name}-{run}-{kind.__name__}-{plan_name}"
                measure = partial(trial, kind, plan, film.path, film.seconds, where)
                yield label, _one(scenario.name, f"{label} {run + 1}", plan, measure)


def _one(name: str, what: str, plan: Plan, measure: Callable[[], Outcome]) -> Outcome | None:
    began = time.monotonic()
    try:
        outcome = measure()
    except FAILURES as error:
        progress(failure(f"{name}: {what}", error))
        return None
    row = ", ".join(Figures.of([outcome]).cells(watching=plan.watching)[1:])
    progress(f"{name}: {what}: {row} ({time.monotonic() - began:.0f} s)")
    publish({"scenario": name, "run": what, "ratio": outcome.ratio}, outcome.trace)
    return outcome


def failure(what: str, error: Exception) -> str:
    """A failed run in one line."""
    return " ".join([f"{what}: failed: {error!r}", *getattr(error, "__notes__", [])])


def progress(line: str) -> None:
    """Tell whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _middle_run(runs: list[Outcome]) -> Outcome:
    return sorted(runs, key=lambda outcome: outcome.ratio)[len(runs) // 2]


def _conditions(scenario: Scenario) -> str:
    patience = max(plan.patience for plan in scenario.plans.values())
    return f"Medians; whoever took {patience:.0f} times the bound was given up."
