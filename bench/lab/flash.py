"""A flash crowd: everybody wants the same video at the same moment, from one origin."""

from __future__ import annotations

import os
import statistics
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench.lab.network import Link, network
from bench.lab.node import LabNode
from bench.lab.player import Viewing, watch
from bench.lab.run import everywhere, on
from bench.table import Table
from tests.clips import make_clip

VIEWERS = 8
LINK = Link(up=8, down=40)  # Mbit/s
SECONDS = 64
BIT_RATE = 3_000_000
RUNS = int(os.environ.get("BENCH_LAB_RUNS", "5"))


@dataclass(frozen=True)
class Crowd:
    """One run. `spent`: seconds until the last one had all of it; `copies` that the origin sent."""

    spent: float
    bound: float
    copies: float
    viewings: tuple[Viewing, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times the lower bound of any scheme it took."""
        return self.spent / self.bound


def tables(directory: Path) -> list[Table]:
    """Fetched as a whole, and watched; nothing without root."""
    if os.geteuid() != 0:
        print("lab: needs root, for network namespaces; left out", file=sys.stderr)
        return []
    clip = make_clip(
        directory / "crowd.mp4",
        seconds=SECONDS,
        size=(1280, 720),
        bit_rate=BIT_RATE,
        faststart=True,
    )
    table = Table(
        f"A flash crowd: {VIEWERS} viewers of one origin, {clip.stat().st_size / 1e6:.0f} MB",
        ("", "time / bound", "copies from the origin", "start (median, last)", "stalls"),
        f"Median of {RUNS} runs in network namespaces, each host with {LINK.up:.0f} Mbit/s up and "
        f"{LINK.down:.0f} down. The bound is that of Kurose and Ross for any scheme; copies are "
        "counted at the origin's link, headers included. Players start with a second in hand and "
        "read ten ahead.",
    )
    for name, watching in (("fetched", False), ("watched", True)):
        runs = [crowd(directory / f"{name}{n}", clip, watching=watching) for n in range(RUNS)]
        table.add(name, *summary(runs))
    return [table]


def summary(runs: list[Crowd]) -> tuple[str, str, str, str]:
    """The medians of several runs, as cells."""
    starts = [[v.start for v in run.viewings if v.start is not None] for run in runs]
    stalls = [sum(sum(v.stalls) for v in run.viewings) for run in runs]
    start = stall = "-"
    if all(starts):
        middle = statistics.median(statistics.median(each) for each in starts)
        start = f"{middle:.1f} s, {statistics.median(max(each) for each in starts):.1f} s"
        stall = f"{statistics.median(stalls):.1f} s in all"
    ratio = statistics.median(run.ratio for run in runs)
    copies = statistics.median(run.copies for run in runs)
    return f"{ratio:.2f}", f"{copies:.2f}", start, stall


def crowd(directory: Path, clip: Path, *, watching: bool) -> Crowd:
    """One run, on a network of its own."""
    with network(*[LINK] * (VIEWERS + 1)) as hosts:
        origin, *viewers = (
            LabNode(host, directory / host.name, dict(os.environ)) for host in hosts
        )
        origin.start()
        on(origin.host, origin.wait_ready)
        for viewer in viewers:
            viewer.start(join=origin.peer_id)
        for viewer in viewers:
            viewer.wait_ready()
        video_id = on(origin.host, lambda: origin.add(clip))
        everywhere([(v.host, finding(v, clip.stem)) for v in viewers])
        size, before = clip.stat().st_size, origin.host.sent()
        bound = lower_bound(size)
        if watching:
            seen = everywhere([(v.host, watched(v, video_id, size)) for v in viewers])
            spent, viewings = max(each[0] for each in seen), tuple(each[1] for each in seen)
        else:
            spent = max(everywhere([(v.host, fetched(v, video_id)) for v in viewers]))
            viewings = ()
        return Crowd(spent, bound, (origin.host.sent() - before) / size, viewings)


def lower_bound(size: int) -> float:
    """Seconds that any scheme needs at least (Kurose and Ross, Computer Networking, 2.5)."""
    up, down = LINK.up * 1e6 / 8, LINK.down * 1e6 / 8
    return max(size / up, size / down, VIEWERS * size / (up * (VIEWERS + 1)))


def finding(viewer: LabNode, text: str) -> Callable[[], None]:
    return lambda: viewer.find(text)


def fetched(viewer: LabNode, video_id: str) -> Callable[[], float]:
    """Fetches the video; gives the seconds that it took."""

    def work() -> float:
        began = monotonic()
        viewer.wait_complete(video_id, fetch=True)
        return monotonic() - began

    return work


def watched(viewer: LabNode, video_id: str, size: int) -> Callable[[], tuple[float, Viewing]]:
    """Watches the video; gives the seconds until all of it was there, and what was seen."""

    def work() -> tuple[float, Viewing]:
        began, done = monotonic(), []
        stop = threading.Event()

        def wait() -> None:
            viewer.host.enter()
            viewer.wait_complete(video_id, fetch=True)
            done.append(monotonic() - began)

        waiting = threading.Thread(target=wait)
        waiting.start()
        seen = watch(lambda: viewer.stream(video_id), size, size / SECONDS, stop)
        waiting.join()
        return done[0], seen

    return work
