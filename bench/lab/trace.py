"""What each host sent and received, second by second: it shows where the time goes."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.lab.network import Host

PERIOD_SECONDS = 1.0
# "1" prints the traces, anything else is a file to which they are appended, an object per line.
WHERE = os.environ.get("BENCH_LAB_TRACE", "")


@dataclass
class Trace:
    """Bytes per host and period, headers included; `times` are seconds since the first click."""

    hosts: list[str]
    times: list[float] = field(default_factory=list)
    sent: list[list[int]] = field(default_factory=list)  # a row per time, a column per host
    received: list[list[int]] = field(default_factory=list)

    def rates(self, host: int) -> list[float]:
        """What a host sent, in Mbit/s, for each period."""
        begins = [0.0, *self.times[:-1]]
        spans = [max(1e-3, end - begin) for begin, end in zip(begins, self.times, strict=True)]
        return [row[host] * 8e-6 / span for row, span in zip(self.sent, spans, strict=True)]

    def lines(self) -> list[str]:
        """For people: a line per period, in kB, what each host sent and what it received."""
        head = f"{'s':>6} " + " ".join(f"{name:>11}" for name in self.hosts)
        rows = zip(self.times, self.sent, self.received, strict=True)
        return [f"{head}   (kB sent/received)"] + [
            f"{when:6.1f} "
            + " ".join(
                f"{f'{out // 1000}/{into // 1000}':>11}" for out, into in zip(up, down, strict=True)
            )
            for when, up, down in rows
        ]


class Sampler:
    """Writes a trace, in a thread of its own, while the block runs."""

    def __init__(self, hosts: Sequence[Host], names: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.trace = Trace(list(names))
        self._before = self._count()

    def __enter__(self) -> Trace:
        self._before, self._began = self._count(), time.monotonic()
        self._thread.start()
        return self.trace

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = self._began
        while not self._stop.is_set():
            due += PERIOD_SECONDS
            self._stop.wait(max(0.0, due - time.monotonic()))
            now = self._count()
            self.trace.times.append(time.monotonic() - self._began)
            pairs = list(zip(now, self._before, strict=True))
            self.trace.sent.append([new[0] - old[0] for new, old in pairs])
            self.trace.received.append([new[1] - old[1] for new, old in pairs])
            self._before = now

    def _count(self) -> list[tuple[int, int]]:
        return [(host.sent(), host.received()) for host in self._hosts]


def publish(what: dict[str, object], trace: Trace) -> None:
    """Print a trace, or append it to a file, where the environment asks for it."""
    if WHERE == "1":
        print(json.dumps(what), *trace.lines(), sep="\n", file=sys.stderr, flush=True)
    elif WHERE:
        entry = what | {
            "hosts": trace.hosts,
            "times": [round(when, 2) for when in trace.times],
            "sent": trace.sent,
            "received": trace.received,
        }
        with Path(WHERE).open("a") as file:
            file.write(json.dumps(entry) + "\n")
