"""A simulated line: a queue in front of a link, uploads that keep to a limit, and a TCP flow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from p2ptube.swarm.yielding import Sample, Yielding

TICK, STEPS_EVERY = 0.01, 10  # seconds; ticks between two looks
PACKET = 1448.0


@dataclass
class Flow:
    """A TCP flow that knows nothing of us: Reno, which halves its window after a loss."""

    window: float = 10 * PACKET
    slow_start: bool = True
    hurt: float = 0.0  # not twice for the same loss

    def arrived(self, size: float, rtt: float, now: float, *, lost: bool) -> None:
        """So much was confirmed; or something of it was lost."""
        if lost:
            if now >= self.hurt:
                self.window, self.slow_start, self.hurt = max(PACKET, self.window / 2), False, now
                self.hurt = now + rtt
        elif self.slow_start:
            self.window += size
        else:
            self.window += PACKET * size / self.window


@dataclass
class Line:
    """Carries `rate` bytes/s; `base` seconds there and back; `room` seconds of queue before it."""

    rate: float
    base: float
    room: float
    control: Yielding = field(default_factory=Yielding)
    yields: bool = True
    now: float = 0.0
    queue: deque[tuple[float, float, float]] = field(default_factory=deque)  # since, ours, others'
    waiting: float = 0.0
    smoothed: float = 0.0
    least: float = 1e9
    delivered: float = 0.0
    packets: float = 0.0
    foreign: float = 0.0  # what the flow got through
    waits: list[float] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    @property
    def wait(self) -> float:
        return self.waiting / self.rate

    def run(self, seconds: float, flow: Flow | None = None, *, uploading: bool = True) -> None:
        """Let so much time pass, with the flow beside us or without."""
        for tick in range(round(seconds / TICK)):
            self.now += TICK
            self._send(flow, uploading)
            self._deliver(flow)
            self.waits.append(self.wait)
            if uploading and self.yields and tick % STEPS_EVERY == 0:
                self._look()

    def _send(self, flow: Flow | None, uploading: bool) -> None:
        limit = self.control.limit if self.yields else 0
        # Without a limit TCP fills the queue: more than the line carries.
        ours = (limit or 1.5 * self.rate) * TICK if uploading else 0.0
        theirs = flow.window / (self.base + self.wait) * TICK if flow else 0.0
        over = self.waiting + ours + theirs - self.rate * self.room
        if over > 0:
            kept = max(0.0, 1 - over / (ours + theirs))
            ours, theirs = ours * kept, theirs * kept
            if flow:
                flow.arrived(0, self.base + self.wait, self.now, lost=True)
        self.queue.append((self.now, ours, theirs))
        self.waiting += ours + theirs

    def _deliver(self, flow: Flow | None) -> None:
        left = self.rate * TICK
        part = 1.0
        while self.queue and part == 1.0:
            since, ours, theirs = self.queue.popleft()
            part = min(1.0, left / (ours + theirs)) if ours + theirs else 1.0
            if part < 1.0:
                self.queue.appendleft((since, ours * (1 - part), theirs * (1 - part)))
            left -= (ours + theirs) * part
            self.waiting -= (ours + theirs) * part
            self._confirm(ours * part, self.base + self.now - since)
            self.foreign += theirs * part
            if flow and theirs:
                flow.arrived(theirs * part, self.base + self.now - since, self.now, lost=False)

    def _confirm(self, size: float, rtt: float) -> None:
        if not size:
            return
        self.delivered += size
        before, self.packets = int(self.packets), self.packets + size / (2 * PACKET)
        for _ in range(min(50, int(self.packets) - before)):
            self.smoothed += (rtt - self.smoothed) / 8 if self.smoothed else rtt
            self.least = min(self.least, rtt)

    def _look(self) -> None:
        known = self.smoothed or self.base, min(self.least, self.smoothed or self.base)
        counts = int(self.delivered), 0, int(self.packets)
        sample = Sample("a", *known, *counts, waiting=int(self.waiting))
        self.limits.append(self.control.step(self.now, [sample]))
