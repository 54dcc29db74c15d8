"""Seeks to places that are not here yet, with one holder at twice the bit rate."""

from __future__ import annotations

import math
import random
import statistics
import threading
from functools import partial
from pathlib import Path

from bench.lab import plots
from bench.lab.bound import Link, Visit
from bench.lab.clients.base import Client
from bench.lab.clients.nginx import Nginx
from bench.lab.clients.npm import Peerflix, Webtorrent
from bench.lab.clients.registry import chosen
from bench.lab.films import large_film
from bench.lab.player import Viewing, watch
from bench.lab.run import on
from bench.lab.scenario import FAILURES, failure, progress, runs_of
from bench.lab.scenarios.usual import LINK
from bench.lab.trial import Plan, stage
from bench.table import Table

NAME = "lab.seeks"
SEEKS = 8
PLAY_SECONDS = 2.0
RIVALS: tuple[type[Client], ...] = (Webtorrent, Peerflix, Nginx)
RUNS, RIVAL_RUNS = 5, 1
GIVE_UP_SECONDS = 30.0
TRIES = 200


def tables(directory: Path) -> list[Table]:
    film = large_film()
    waits: dict[str, list[float]] = {}
    kinds = chosen(RIVALS)
    plan = Plan((Link(up=2 * film.megabits, down=LINK.down),), (Visit(LINK),))
    for run in range(max(runs_of(kind, RUNS, RIVAL_RUNS) for kind in kinds)):
        for kind in kinds:
            if run >= runs_of(kind, RUNS, RIVAL_RUNS):
                continue
            where = directory / f"seeks-{run}-{kind.__name__}"
            try:
                with stage(kind, plan, film.path, film.seconds, where) as on_stage:
                    viewer = on_stage.viewers[0]
                    # The same places for every program, as far as it lacks them.
                    found = on(viewer.host, partial(session, viewer, random.Random(run)))
            except FAILURES as error:
                progress(failure(f"{NAME}: {kind.name} {run + 1}", error))
                continue
            waits.setdefault(kind.name, []).extend(found)
            progress(f"{NAME}: {kind.name} {run + 1}: {' '.join(f'{s:.2f}' for s in found)} s")
    table = Table(
        "Seeks, one holder at twice the bit rate",
        ("", "seeks", "playing again (median)", "slowest"),
        f"100 MB of {film.megabits:.0f} Mbit/s; the holder sends {2 * film.megabits:.0f} Mbit/s. A "
        f"player watches for {PLAY_SECONDS:.0f} s, then jumps to a random place that is not here "
        "yet, again and again. It plays again with a second in hand, which takes the link alone "
        "0.5 s.",
    )
    for name, times in waits.items():
        table.add(name, str(len(times)), _seconds(statistics.median(times)), _seconds(max(times)))
    if waits:
        table.plots.append(plots.waits(directory / "lab-seeks.png", table.title, waits))
    return [table]


def session(viewer: Client, chance: random.Random) -> list[float]:
    """Watch from the beginning, then seek; the seconds that each seek took. For the host.

    The one that took too long is infinite, and the last.
    """
    viewer.click(watching=True)
    _play(viewer, 0)
    waits: list[float] = []
    while len(waits) < SEEKS and math.inf not in waits:
        start = _play(viewer, _place(viewer, chance)).start
        waits.append(math.inf if start is None else start)
    return waits


def _place(viewer: Client, chance: random.Random) -> int:
    size = viewer.share.size
    for _ in range(TRIES):
        place = chance.randrange(size // 20, size * 9 // 10)
        if viewer.lacks(place):
            return place
    raise OSError(f"{viewer.name} has nearly everything already")


def _play(viewer: Client, place: int) -> Viewing:
    """Play for a while from a byte; what was seen."""
    share, stop = viewer.share, threading.Event()

    def give_up() -> None:
        stop.set()
        viewer.stop()

    giving_up = threading.Timer(GIVE_UP_SECONDS, give_up)
    giving_up.start()
    try:
        viewing, _ = watch(
            viewer.open,
            share.size,
            share.bytes_per_second,
            stop,
            first=place,
            seconds=PLAY_SECONDS,
        )
    finally:
        giving_up.cancel()
    return viewing


def _seconds(value: float) -> str:
    return f"> {GIVE_UP_SECONDS:.0f} s" if math.isinf(value) else f"{value:.2f} s"
