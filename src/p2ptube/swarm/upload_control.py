"""Uploads yield to whatever else the user's line carries: samples in, limit out, in a loop.

The decisions are those of `yielding`; here is what they are made from and what becomes of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from . import tcp_info
from .limits import is_private
from .sockets import WAITING_BYTES
from .tcp_info import TcpConnection
from .yielding import Sample, Yielding

# What is handed to the kernel at once it sends at once, where the way is short: in portions of so
# many seconds, the line's queue stays short, too.
PORTION_SECONDS = 0.03
LEAST_PORTION = 16 * 1024  # bytes: a block
# The limit is kept by libtorrent. The kernel is to spread what it gets, and to hold back nothing:
# what waits there is sent in one go in the end. So a connection is paced at more than its part of
# late, and at a fifth of the limit where it had none: somebody may have come who wants to watch.
HEADROOM, SPARE = 1.2, 0.2
BUSY = 0.02  # of all that was sent: who has more counts as one among whom the limit is divided
SMOOTHING = 0.25  # the weight of a step in what a connection's part was of late

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
# Where looking at the connections costs much, it is done less often: at most so much of the time.
MOST_OF_THE_TIME = 0.04
# Connections that carry nothing are looked at this often.
IDLE_SECONDS = 1.0
QUIET_TICKS = 20  # so many without anything delivered, and we are idle


class UploadControl:
    """Limits the uploads of this process while they make others wait.

    TCP connections are paced by the kernel, which spreads them evenly over time: libtorrent hands
    out its quota in lumps of up to a second. It has to do for connections of other kinds, so
    `apply` is told the limit for these, in bytes/s, 0 for none; `elsewhere` says how much they
    upload, and `local_too` whether limits hold in local networks. `portion` is told how many bytes
    a connection is to have ready to be sent, 0 for as many as usual.
    """

    def __init__(
        self,
        apply: Callable[[int], None],
        portion: Callable[[int], None],
        *,
        elsewhere: Callable[[], float],
        local_too: Callable[[], bool],
    ) -> None:
        self._apply = apply
        self._portion = portion
        self._portioned = 0
        self._elsewhere = elsewhere
        self._local_too = local_too
        self._yielding = Yielding()
        self._applied = 0
        self._delivered: dict[object, int] = {}  # at the last step, by connection
        self._parts: dict[object, float] = {}  # of all that was sent of late, by connection
        self._paced: list[TcpConnection] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def limit(self) -> int:
        """The automatic limit, in bytes/s; 0: none."""
        return self._yielding.limit if self._task is not None else 0

    @property
    def line(self) -> float:
        """What the user's line can upload, in bytes/s; 0: not known."""
        return self._yielding.line if self._task is not None else 0.0

    @property
    def delay(self) -> float | None:
        """How long what we send waits for the line, in seconds; None: nothing is being sent."""
        return self._yielding.delay if self._task is not None else None

    def switch(self, on: bool) -> None:
        """Yield from now on, or not at all. Without `TCP_INFO` nothing is done in either case."""
        if not on:
            self.stop()
        elif self._task is None and tcp_info.available():
            self._yielding = Yielding()
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """Limit and pace nothing any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._set(0)
            self._unpace()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("uploads do not yield any more", exc_info=task.exception())
            if self._task is task:
                self.stop()

    def wake(self) -> None:
        """There is a new connection: it may be about to upload."""
        self._news.set()

    async def _run(self) -> None:
        quiet = 0
        while True:
            began = time.thread_time()
            connections = tcp_info.connections(self._concerns_us)
            moved = self._step(connections)
            quiet = 0 if moved else quiet + 1
            spent = time.thread_time() - began
            pause = max(TICK_SECONDS, spent / MOST_OF_THE_TIME)
            if quiet < QUIET_TICKS:
                await asyncio.sleep(pause)
                continue
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS if connections else None):
                    await self._news.wait()
            quiet = 0 if self._news.is_set() else quiet

    def _concerns_us(self, host: str) -> bool:
        return self._local_too() or not is_private(host)

    def _step(self, connections: Sequence[TcpConnection]) -> int:
        """Decide anew; return how many bytes were delivered since the last time."""
        samples = [
            Sample(c.key, c.rtt, c.least_rtt, c.delivered, c.received, c.packets, c.waiting)
            for c in connections
        ]
        limit = self._yielding.step(time.monotonic(), samples, self._elsewhere())
        self._set(limit)
        moved = {c.key: c.delivered - self._delivered.get(c.key, c.delivered) for c in connections}
        self._delivered = {c.key: c.delivered for c in connections}
        if limit:
            self._pace(limit, connections, moved)
        else:
            self._unpace()
        return sum(moved.values())

    def _set(self, limit: int) -> None:
        if limit != self._applied:
            self._applied = limit
            self._apply(limit)

    def _pace(
        self, limit: int, connections: Sequence[TcpConnection], moved: Mapping[object, int]
    ) -> None:
        total = sum(moved.values())
        before = self._parts
        self._parts = {key: before.get(key, 0.0) for key in moved}
        if total:
            for key, size in moved.items():
                self._parts[key] += SMOOTHING * (size / total - self._parts[key])
        whole = sum(self._parts.values()) or 1.0
        self._paced = list(connections)
        parts = {key: part / whole for key, part in self._parts.items()}
        rates = {k: round(limit * (HEADROOM * p + SPARE * (1 - p))) for k, p in parts.items()}
        busy = sum(part > BUSY for part in self._parts.values())
        portion = _portion(limit / max(1, busy))
        tcp_info.pace(connections, rates, portion)
        self._set_portion(portion)

    def _set_portion(self, portion: int) -> None:
        if portion != self._portioned:
            self._portioned = portion
            self._portion(portion)

    def _unpace(self) -> None:
        self._set_portion(0)
        tcp_info.pace(self._paced, {}, WAITING_BYTES)
        self._paced.clear()
        self._parts.clear()


def _portion(rate: float) -> int:
    """What a connection that sends at this rate has ready; rounded, so that it changes seldom."""
    blocks = int(rate * PORTION_SECONDS) // LEAST_PORTION
    return LEAST_PORTION << blocks.bit_length()
