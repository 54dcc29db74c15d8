"""Announces per second and memory per 100,000 peers, against two other trackers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.table import Table
from bench.tracker_load import NUMWANT, SWARMS, WEBSOCKETS
from bench.tracker_programs import DEBIAN, installed, tracker

PEERS = int(os.environ.get("BENCH_TRACKER_PEERS", "100000"))
SECONDS = float(os.environ.get("BENCH_TRACKER_SECONDS", "5"))
RUNS = int(os.environ.get("BENCH_TRACKER_RUNS", "3"))
WAYS = ("http", "http, one each", "udp", "websocket", "websocket, 5 offers")
NAMES = {
    "http": "HTTP, connections kept open",
    "http, one each": "HTTP, a connection per announce",
    "udp": "UDP",
    "websocket": "WebSocket",
    "websocket, 5 offers": "WebSocket, 5 offers in each announce",
}
# It has no WebSocket, and closes every connection after its answer.
MISSING = {(DEBIAN, "http"), (DEBIAN, "websocket"), (DEBIAN, "websocket, 5 offers")}


class Result:
    """One run of one tracker: announces/s, announces per second of its processor, bytes."""

    def __init__(self, rate: float, per_processor: float, memory: float) -> None:
        self.rate, self.per_processor, self.memory = rate, per_processor, memory


def tables(directory: Path) -> list[Table]:
    """A row per way to announce and tracker."""
    names = installed()
    table = Table(
        "Trackers",
        (
            "announces",
            "by",
            "per second",
            "per second of its processor",
            "MB for 100,000 peers",
        ),
        f"Median of {RUNS} runs of {SECONDS:.0f} s, the trackers in turn. {PEERS:,} peers in "
        f"{SWARMS:,} swarms, of which all have announced themselves before; each asks for "
        f"{NUMWANT} others. One process asks, without waiting for anything but answers: where a "
        "tracker needs less processor time than it, the second column of numbers says what the "
        f"tracker could do. WebSockets: {WEBSOCKETS:,} connections, whose memory counts. Memory "
        "is what the process has in RAM more than before the first announce.",
    )
    for way in WAYS:
        able = [name for name in names if (name, way) not in MISSING]
        results: dict[str, list[Result]] = {name: [] for name in able}
        for _ in range(RUNS):
            for name in able:
                results[name].append(measure(name, way, directory))
        for name, runs in results.items():
            table.add(
                NAMES[way],
                name,
                f"{statistics.median(each.rate for each in runs):,.0f}",
                f"{statistics.median(each.per_processor for each in runs):,.0f}",
                f"{statistics.median(each.memory for each in runs) / 1e6:.0f}",
            )
    return [table]


def measure(name: str, way: str, directory: Path) -> Result:
    with tracker(name, directory) as program:
        before = program.memory()
        command = [sys.executable, "-m", "bench.tracker_load", way, str(program.port)]
        load = subprocess.Popen(
            [*command, str(PEERS), str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdin is not None
        assert load.stdout is not None
        assert load.stdout.readline(), f"{name}, {way}: the load broke off"
        memory = (program.memory() - before) * 100_000 / PEERS
        busy = program.processor()
        load.stdin.write("\n")
        load.stdin.flush()
        done = json.loads(load.stdout.readline())
        busy = program.processor() - busy
        load.stdin.write("\n")
        load.stdin.flush()
        load.wait()
    return Result(done["count"] / done["seconds"], done["count"] / max(busy, 0.01), memory)
