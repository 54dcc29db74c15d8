"""One run: a network, its origins, its viewers, and what became of each."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from bench.lab.bound import Link, Visit, lower_bound
from bench.lab.clients.base import Client, Share, until
from bench.lab.network import Host, Network
from bench.lab.player import Viewing, watch
from bench.lab.run import everywhere, on
from bench.lab.trace import Sampler, Trace

TRACKER_PORT = 5681


@dataclass(frozen=True)
class Plan:
    """Who takes part, and what the viewers do.

    `leaving`: a viewer's program ends as soon as it has everything. Whoever has not everything
    after `patience` times the lower bound is given up.
    """

    origins: tuple[Link, ...]
    visits: tuple[Visit, ...]
    watching: bool = False
    leaving: bool = False
    patience: float = 10.0


@dataclass(frozen=True)
class Seen:
    """One viewer. Seconds after the first click: when it clicked, and when it had everything."""

    clicked: float
    completed: float | None
    viewing: Viewing | None = None


@dataclass(frozen=True)
class Outcome:
    """One run. `copies`: what the origins sent, by the size of the file; headers included."""

    bound: float
    limit: float  # seconds after which it was given up
    copies: float
    seen: tuple[Seen, ...]
    trace: Trace = field(repr=False)

    @property
    def finished(self) -> bool:
        """Whether every viewer had everything in time."""
        return all(each.completed is not None for each in self.seen)

    @property
    def spent(self) -> float:
        """Seconds from the first click until the last viewer had everything."""
        return max(self.limit if each.completed is None else each.completed for each in self.seen)

    @property
    def ratio(self) -> float:
        """How many times the lower bound of any scheme it took, or the patience at least."""
        return self.spent / self.bound


@dataclass(frozen=True)
class Stage:
    """The programs of a run, started and waiting."""

    origins: list[Client]
    viewers: list[Client]
    share: Share


@contextlib.contextmanager
def stage(
    kind: type[Client], plan: Plan, clip: Path, seconds: float, directory: Path
) -> Iterator[Stage]:
    """Build the network and start everything on it; all of it is gone with the block."""
    directory.mkdir(parents=True)
    with _removed(directory), Network() as network, _casualties(network):
        meeting = network.add(Link(0, 0))
        tracker = _tracker(meeting, directory) if kind.tracker else "http://unused.invalid/announce"
        share = Share.of(clip, seconds, tracker, directory)
        hosts = [network.add(link) for link in plan.origins]
        hosts += [network.add(visit.link) for visit in plan.visits]
        programs = [kind(host, directory / host.name, share) for host in hosts]
        origins, viewers = programs[: len(plan.origins)], programs[len(plan.origins) :]
        for number, origin in enumerate(origins):
            before = origins[0] if number else None
            on(origin.host, partial(origin.start_origin, before))
        if kind.tracker:
            on(meeting, partial(_wait_announced, tracker, len(origins)))
        everywhere([(v.host, partial(v.start_viewer, origins[0])) for v in viewers])
        yield Stage(origins, viewers, share)


def trial(kind: type[Client], plan: Plan, clip: Path, seconds: float, directory: Path) -> Outcome:
    """Measure one program once."""
    with stage(kind, plan, clip, seconds, directory) as on_stage:
        origins, viewers = on_stage.origins, on_stage.viewers
        size = on_stage.share.size
        bound = lower_bound(size, plan.origins, plan.visits)
        before = sum(origin.host.sent() for origin in origins)
        names = [f"origin{n or ''}" for n in range(len(origins))]
        names += [f"viewer{n + 1}" for n in range(len(viewers))]
        with Sampler([program.host for program in [*origins, *viewers]], names) as trace:
            limit = plan.patience * bound
            cast = [
                (viewer.host, Visitor(viewer, visit, plan, limit))
                for viewer, visit in zip(viewers, plan.visits, strict=True)
            ]
            seen = everywhere(cast)
        copies = (sum(origin.host.sent() for origin in origins) - before) / size
        return Outcome(bound, limit, copies, tuple(seen), trace)


class Visitor:
    """A viewer at its host: arrives, clicks, and waits until it has everything. Call it there."""

    def __init__(self, client: Client, visit: Visit, plan: Plan, limit: float) -> None:
        self._client, self._visit, self._plan, self._limit = client, visit, plan, limit
        self._enough = threading.Event()  # nothing more to be seen
        self._read = threading.Event()  # the player has read everything
        self._viewing: Viewing | None = None
        self._failure: Exception | None = None

    def __call__(self) -> Seen:
        began = time.monotonic()
        time.sleep(self._visit.arrives)
        clicked = time.monotonic() - began
        player = threading.Thread(target=self._watch, daemon=True)
        if self._plan.watching:
            player.start()
        self._client.click(watching=self._plan.watching)
        complete = (
            self._client.wait_complete(began + self._limit, self._read) or self._read.is_set()
        )
        completed = time.monotonic() - began if complete else None
        self._enough.set()
        if completed is None or self._plan.leaving:
            self._client.stop()
        if self._plan.watching:
            player.join()
        if self._failure is not None:
            raise self._failure
        return Seen(clicked, completed, self._viewing)

    def _watch(self) -> None:
        share = self._client.share
        try:
            self._client.host.enter()
            self._viewing, left = watch(
                self._client.open, share.size, share.bytes_per_second, self._enough
            )
            if not left:
                self._read.set()
        except Exception as error:  # told in the thread that waits
            self._failure = error
            self._read.set()


@contextlib.contextmanager
def _casualties(network: Network) -> Iterator[None]:
    """Note on a failure which programs did not run any more: their exit codes by host."""
    try:
        yield
    except Exception as error:
        codes = {host.name: host.ended() for host in network.hosts}
        error.add_note(f"ended: { ({name: found for name, found in codes.items() if found}) }")
        raise


@contextlib.contextmanager
def _removed(directory: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _tracker(host: Host, directory: Path) -> str:
    """Run our tracker; its announce URL."""
    command = [sys.executable, "-m", "p2ptube", "tracker", "--port", str(TRACKER_PORT), "--json"]
    process = host.start(
        [*command, "--data-dir", str(directory / "tracker")],
        stdout=subprocess.PIPE,
        env={**os.environ, "P2PTUBE_HOST": host.address},
    )
    assert process.stdout is not None
    json.loads(process.stdout.readline())
    return f"http://{host.address}:{TRACKER_PORT}/announce"


def _wait_announced(tracker: str, count: int) -> None:
    """Wait until the tracker knows so many peers: who comes first is told of nobody."""
    url = tracker.replace("/announce", "/stats")
    until(lambda: httpx.get(url).json()["peers"] >= count, "the origin did not announce itself")
