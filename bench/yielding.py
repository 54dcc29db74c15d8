"""What uploads leave to others on the same line: a flow beside them, and the wait they cause."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.lab.bound import Link, Visit
from bench.lab.clients.base import Client, Share
from bench.lab.clients.ours import Ours
from bench.lab.clients.qbittorrent import QBittorrent
from bench.lab.clients.registry import chosen
from bench.lab.clients.transmission import Transmission
from bench.lab.films import large_film
from bench.lab.network import Host
from bench.lab.node import LabNode
from bench.lab.run import on
from bench.lab.trial import Plan, stage
from bench.neighbour import Probe, Sink, flow, mean, percentile
from bench.table import Table

RUNS = 3
HOME, ELSEWHERE = Link(up=8, down=40), Link(up=8, down=40)  # Mbit/s
SETTLE_SECONDS = 3.0  # after anything began
ALONE_SECONDS = 8.0
BESIDE_SECONDS = 15.0
WARM_BYTES = 500_000  # sent: the upload has begun
PATIENCE_SECONDS = 60.0


class InsistentOurs(Ours):
    """Ours with the setting off."""

    name = "p2ptube, --no-yielding"

    def __init__(self, host: Host, directory: Path, share: Share) -> None:
        super().__init__(host, directory, share)
        self.node = LabNode(host, directory, {**os.environ, "P2PTUBE_YIELDING": "false"})


@dataclass(frozen=True)
class Seen:
    """One run. Rates in bytes/s, waits in seconds."""

    flow_alone: float
    wait_of_flow: float
    upload: float
    wait: float
    worst: float  # of twenty packets
    flow_beside: float
    wait_of_both: float

    @property
    def kept(self) -> float:
        """The part of what the flow has alone that it has beside uploads."""
        return self.flow_beside / self.flow_alone


def tables(directory: Path) -> list[Table]:
    """All that is measured of consideration."""
    table = Table(
        f"Uploads beside other traffic on an uplink of {HOME.up:.0f} Mbit/s",
        (
            *("seeding", "the other flow keeps", "upload alone"),
            *("added delay, mean", "95 of 100", "with the flow, its own counted off"),
        ),
        f"Medians of {RUNS} runs. A program seeds to one viewer elsewhere; another program on the "
        "same line sends as fast as TCP (CUBIC) lets it, at first without the seed, later beside "
        f"it, for {BESIDE_SECONDS:.0f} s from its start. Small packets, fifty a second, show how "
        "long the line's queue (at most 100 ms) is. Wanted: ≥ 85% and < 50 ms.",
    )
    if os.geteuid() != 0:
        table.add("needs root, for network namespaces", "", "", "", "", "")
        return [table]
    kinds: list[type[Client]] = chosen((Transmission, QBittorrent))
    kinds.insert(1, InsistentOurs)
    runs: dict[str, list[Seen]] = {kind.name: [] for kind in kinds}
    for number in range(RUNS):
        for kind in kinds:
            runs[kind.name].append(one_run(kind, directory / f"{kind.__name__}{number}"))
    for name, seen in runs.items():
        table.add(name, *cells(seen))
    return [table]


def cells(runs: list[Seen]) -> tuple[str, ...]:
    """The row of a program."""

    def median(of: Callable[[Seen], float]) -> float:
        return statistics.median(of(seen) for seen in runs)

    return (
        f"{median(lambda seen: seen.kept):.0%}",
        f"{median(lambda seen: seen.upload) * 8e-6:.1f} Mbit/s",
        f"{median(lambda seen: seen.wait) * 1e3:.0f} ms",
        f"{median(lambda seen: seen.worst) * 1e3:.0f} ms",
        f"{median(lambda seen: seen.wait_of_both - seen.wait_of_flow) * 1e3:+.0f} ms",
    )


def one_run(kind: type[Client], directory: Path) -> Seen:
    """Measure a program once."""
    film = large_film()
    plan = Plan((HOME,), (Visit(ELSEWHERE),))
    with stage(kind, plan, film.path, film.seconds, directory) as on_stage:
        seed, viewer = on_stage.origins[0], on_stage.viewers[0]
        sink = Sink(viewer.host)
        probe = Probe(seed.host, sink)
        try:
            return _measure(seed, viewer, sink, probe)
        finally:
            probe.close()
            sink.close()


def _measure(seed: Client, viewer: Client, sink: Sink, probe: Probe) -> Seen:
    time.sleep(SETTLE_SECONDS)
    idle = percentile(probe.since(0.0), 0.5)
    with flow(seed.host, sink):
        time.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        flow_alone = sink.rate(BESIDE_SECONDS)
        wait_of_flow = mean(probe.since(began)) - idle
    before = seed.host.sent()
    on(viewer.host, lambda: viewer.click(watching=False))
    end = time.monotonic() + PATIENCE_SECONDS
    while seed.host.sent() < before + WARM_BYTES:
        if time.monotonic() > end:
            raise OSError(f"{seed.name} did not upload")
        time.sleep(0.05)
    time.sleep(SETTLE_SECONDS)
    began, sent = time.monotonic(), seed.host.sent()
    time.sleep(ALONE_SECONDS)
    upload = (seed.host.sent() - sent) / (time.monotonic() - began)
    waits = [trip - idle for trip in probe.since(began)]
    with flow(seed.host, sink):
        began = time.monotonic()
        flow_beside = sink.rate(BESIDE_SECONDS)
        wait_of_both = mean(probe.since(began)) - idle
    return Seen(
        flow_alone, wait_of_flow, upload, mean(waits), percentile(waits, 0.95), flow_beside,
        wait_of_both,
    )  # fmt: skip
