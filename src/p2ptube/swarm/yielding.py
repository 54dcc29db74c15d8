"""Pure: how fast to upload so that others on the same line notice nothing. LEDBAT's idea, for TCP.

Whoever sends more than its line carries fills a queue in front of it, in which everybody's packets
wait. That wait shows: it is the round-trip time beyond the shortest one seen (RFC 6817). While it
is short, the line is ours to fill; when it grows, somebody else wants it, or we send too much.

RFC 6817 steers the window of one connection. What is steered here is the rate of all uploads
together, since TCP's windows are the kernel's. Three things follow from that:

- the wait is the *least* of all connections: the line that they share is ours, and what one of
  them waits for beyond is its own;
- a connection that begins while the queue stands takes the wait for distance, so what the older
  ones know is subtracted, until we made room and measured anew (the slow-downs of LEDBAT++,
  draft-irtf-iccrg-ledbat-plus-plus; here every half minute, for 0.3 s, at half the rate);
- as long as nobody ever had to wait there is no limit at all.

Times are seconds, rates bytes/s of payload.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

TARGET = 0.03  # the wait that we allow ourselves to cause
STEP = 0.1  # what the gains below are for; steps may be longer, and count for more then
MOST_MISSED = 0.2  # what was missed while the machine was busy says little
RATE_SPAN = 0.25  # over which rates are measured
USE_SPAN = 1.0  # over which is measured whether a limit is used
# Steps in a row with too long a wait, before there is a limit at all: by then the queue has been
# there all the time over which the rate is measured, so that this is the rate of the line.
LATE = 3
# A connection that carries less than this part of what the busiest carries is not busy.
RELEVANT = 0.05
# The requests for what is downloaded are a hundredth of it at most: who sends nothing else does not
# upload. But he, too, has waited for our line, and may have waited for no other.
REQUESTS = 0.01
LEAST_RATE = 8_000
LEAST_SHARE = 0.03  # of the line; both are what is sent even while others fill it
CAPACITY_SPAN = 60.0  # the most that we sent within it is taken for what the line carries
# Per second: how a wait beyond the target, or short of it, becomes a rate. A wait of more than
# twice the target is hardly of our making, so that there is no danger to swing.
GAIN, LARGE_GAIN = 4.0, 8.0
STEEPEST, DECAY = 0.5, 0.15  # what is delivered falls no more at once; per step and excess target
# What is delivered while a queue stands is our part of the line. Where that is less than the line
# carries, others have the rest: it is not enough to keep the queue short, since that would leave
# them what we leave. They are there where it shows in so many more steps than not, and remembered
# for so many at most. In a swarm it would often be a mistake: where peers upload themselves, their
# lines are full, too, and our confirmations wait there. So only where few connections carry it all.
MOST_TO_TELL = 2
OTHERS_WAIT, ALONE, OTHERS_SEEN, OTHERS_MOST, GIVE_WAY = 0.6 * TARGET, 0.87, 5, 8, 0.25
RISE, FAST_RISE = 0.08, 0.25  # per step, while nothing waits
NEARLY = 0.95  # of what the line carries: up to there the rate may grow fast
CALM_SPAN = 0.8  # without any wait for so long, the line carries more than we know
USED = 0.7  # a limit of which less is used is not what holds us back: it does not grow
FIRST_SLOW_DOWN, SLOW_DOWN_EVERY, SLOW_DOWN_SPAN, SLOW_DOWN_TO = 3.0, 30.0, 0.3, 0.5
# Lines that are faster carry less than their share of anybody's processor; and the limiter of
# libtorrent costs there.
FASTEST_LIMIT = 500_000_000
STALE = 60.0  # what was learned is dropped when nothing was sent for so long


@dataclass(frozen=True)
class Sample:
    """A TCP connection as the kernel sees it.

    `rtt` is smoothed, `least_rtt` the smallest in minutes; `delivered` counts the payload bytes
    that were confirmed since the connection began, `received` those that came. `waiting`: bytes
    that it could not send yet.
    """

    key: Hashable
    rtt: float
    least_rtt: float
    delivered: int
    received: int = 0
    packets: int = 0
    waiting: int = 0


@dataclass
class _Connection:
    delivered: int
    received: int
    packets: int
    inferred: float | None = None  # its distance, where the least RTT is not to be believed
    news: int = 0  # delivered in the last step
    came: int = 0  # received in it
    smoothed: float | None = None  # the RTT of the step before
    measured: int = 0  # packets that came since

    @property
    def sends(self) -> bool:
        """Whether it carries more than requests for what comes."""
        return self.news > REQUESTS * self.came

    def wait(self, sample: Sample) -> float:
        """How long packets waited in this step."""
        base = sample.least_rtt
        if self.inferred is not None:
            base = min(base, self.inferred)
        return max(0.0, self._unsmoothed(sample.rtt) - base)

    def _unsmoothed(self, rtt: float) -> float:
        """The kernel weighs each new RTT with an eighth: where few come, old ones stay for long.

        So what is new in it is taken out again.
        """
        before, self.smoothed = self.smoothed, rtt
        if before is None or self.measured <= 0:
            return rtt
        old = float((7 / 8) ** min(self.measured, 100))
        return (rtt - old * before) / (1 - old)


def _relevant(
    fresh: Sequence[tuple[_Connection, Sample]],
) -> list[tuple[_Connection, Sample]]:
    """Those that carry a good part of all that is sent."""
    sending = [pair for pair in fresh if pair[0].sends]
    least = RELEVANT * max((known.news for known, _ in sending), default=0)
    return [pair for pair in sending if pair[0].news >= least]


class Yielding:
    """Finds the limit. Call `step` some ten times a second while anything is uploaded."""

    def __init__(self) -> None:
        self.delay: float | None = None  # how long packets wait in our queue; None: not known
        self._limit = 0.0  # 0: none
        self._connections: dict[Hashable, _Connection] = {}
        self._sent: deque[tuple[float, float, int]] = deque()  # when, sent in all, came in all
        self._total, self._came = 0.0, 0
        self._smooth = 0.0  # the rate, smoothed
        self._most: deque[tuple[float, float]] = deque()  # when, rate; falling
        self._now: float | None = None
        self._calm_since: float | None = None
        self._heard = 0.0  # when there was news of the wait
        self._last_delay = 0.0
        self._busy = 0  # connections that carry a good part of it all
        self._backed_up = False  # whether there is more to send than the line takes
        self._others = 0  # how often somebody else had a good part of the line, less how often not
        self._late = 0  # how often in a row the wait was too long
        self._next_slow_down = 0.0
        self._slow_until = 0.0

    @property
    def limit(self) -> int:
        """What may be uploaded now, in bytes/s; 0: as much as wanted."""
        if self._limit and self._now is not None and self._now < self._slow_until:
            return max(1, round(SLOW_DOWN_TO * self._limit))
        return round(self._limit)

    @property
    def rate(self) -> float:
        """What is being uploaded, in bytes/s."""
        return self._rates(RATE_SPAN)[0]

    def _rates(self, span: float) -> tuple[float, float]:
        """What is sent and what comes, in bytes/s, on the average of the last `span` seconds."""
        now, sent_now, came_now = self._sent[-1] if self._sent else (0.0, 0.0, 0)
        for began, sent, came in reversed(self._sent):
            if began <= now - span or began == self._sent[0][0]:
                spent = now - began
                return ((sent_now - sent) / spent, (came_now - came) / spent) if spent else (0, 0)
        return 0.0, 0.0

    @property
    def floor(self) -> float:
        """What is uploaded whatever the wait."""
        return max(LEAST_RATE + REQUESTS * self._rates(USE_SPAN)[1], LEAST_SHARE * self._capacity)

    @property
    def _capacity(self) -> float:
        return self._most[0][1] if self._most else 0.0

    @property
    def line(self) -> float:
        """What the line carries, in bytes/s; 0: not known, as nothing has ever waited for it."""
        return self._capacity if self._limit else 0.0

    def step(self, now: float, samples: Sequence[Sample], elsewhere: float = 0.0) -> int:
        """Look at the connections and return the new limit.

        `elsewhere`: bytes/s uploaded over connections of which there are no samples, such as uTP.
        """
        before, self._now = self._now, now
        if before is not None and now - before > STALE:
            self._forget(now)
            before = None
        fresh = self._count(now, before, samples, elsewhere)
        relevant = _relevant(fresh)
        # Where we only confirm what comes, nothing is learned of our line.
        delay = min(known.wait(sample) for known, sample in fresh) if relevant else None
        self._busy = len(relevant)
        self._backed_up = any(sample.waiting for _, sample in relevant)
        if delay is not None:
            self._learn_capacity(now)
            spent = min(now - self._heard, MOST_MISSED) if self._heard else STEP
            # The least of two, as RFC 6817 has it: a processor that was busy is no queue.
            self._steer(now, min(delay, self._last_delay), spent)
            self._last_delay = delay
            self._heard = now
        self.delay = delay
        return self.limit

    # --- what the connections say ----------------------------------------------------------------

    def _count(
        self, now: float, before: float | None, samples: Iterable[Sample], elsewhere: float
    ) -> list[tuple[_Connection, Sample]]:
        """Take the samples in; return those with news: something of theirs was confirmed."""
        current: dict[Hashable, _Connection] = {}
        fresh = []
        for sample in samples:
            known = self._connections.get(sample.key)
            if known is None or sample.delivered < known.delivered:
                known = _Connection(sample.delivered, sample.received, sample.packets)
                if self._limit and self.delay:
                    # Not below nothing: a queue that a packet has got through faster is not ours.
                    known.inferred = max(0.0, sample.least_rtt - self.delay)
            known.news, known.delivered = sample.delivered - known.delivered, sample.delivered
            known.came, known.received = sample.received - known.received, sample.received
            known.measured, known.packets = sample.packets - known.packets, sample.packets
            current[sample.key] = known
            self._came += known.came
            if known.news > 0:
                fresh.append((known, sample))
            if known.sends:
                self._total += known.news
        self._connections = current
        if before is not None:
            self._total += elsewhere * (now - before)
        self._sent.append((now, self._total, self._came))
        while len(self._sent) > 2 and self._sent[1][0] <= now - USE_SPAN:
            self._sent.popleft()
        return fresh

    def _learn_capacity(self, now: float) -> None:
        # Smoothed: after a loss, much is confirmed at once.
        rate = self._smooth = self._smooth + 0.25 * (self.rate - self._smooth)
        while self._most and self._most[-1][1] <= rate:
            self._most.pop()
        self._most.append((now, rate))
        while len(self._most) > 1 and self._most[0][0] < now - CAPACITY_SPAN:
            self._most.popleft()

    def _forget(self, now: float) -> None:
        self.__init__()  # type: ignore[misc]
        self._now = now

    # --- what follows from it --------------------------------------------------------------------

    def _steer(self, now: float, delay: float, spent: float) -> None:
        if now < self._slow_until:
            return
        if not self._limit:
            # Who has sent all he had waits for somebody else's line: the answers come late.
            self._late = self._late + 1 if delay > TARGET and self._backed_up else 0
            if self._late >= LATE:
                self._late = 0
                self._limit = max(self.rate, self.floor)
                self._next_slow_down = now + FIRST_SLOW_DOWN
            return
        if self._slow_until:
            # The queue has just been as empty as it gets: what was measured is the distance.
            self._slow_until = 0.0
            for known in self._connections.values():
                known.inferred = None
        self._limit = max(self._next(now, delay, spent / STEP), self.floor)
        if self._limit > FASTEST_LIMIT:
            self._limit = 0.0
        elif now >= self._next_slow_down and delay > TARGET / 4:
            self._slow_until = now + SLOW_DOWN_SPAN
            self._next_slow_down = now + SLOW_DOWN_EVERY

    def _next(self, now: float, delay: float, steps: float) -> float:
        """The limit from now on.

        While a queue stands, what is delivered is what the line carries for us. To send a bit less
        than that makes the queue shorter, a bit more makes it longer: proportional to how far the
        wait is from its target, so that it comes close without swinging. Where somebody else fills
        the queue, less is delivered each time, and the rate falls to the floor.
        """
        if delay > TARGET / 4:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        rate = self.rate
        used = self._rates(USE_SPAN)[0]
        tells = self._busy <= MOST_TO_TELL
        others = tells and delay > OTHERS_WAIT and used < ALONE * self._capacity
        seen = self._others + (1 if others else -1)
        self._others = min(OTHERS_MOST, max(0, seen))
        if others and self._others >= OTHERS_SEEN:
            return self._limit * math.pow(1.0 - GIVE_WAY, steps)
        factor = 1.0 + GAIN * (TARGET - delay) - LARGE_GAIN * max(0.0, delay - 2 * TARGET)
        steered = max(STEEPEST, factor) * rate
        if delay > TARGET:
            # Not at once to what was delivered: that may have been little for want of requests.
            decay = min(STEEPEST, DECAY * (delay / TARGET - 1.0))
            return min(self._limit, max(steered, self._limit * math.pow(1.0 - decay, steps)))
        if max(used, rate) < USED * self._limit:
            return self._limit
        return self._raised(now, max(steered, self._limit), 1.0 - delay / TARGET, steps)

    def _raised(self, now: float, most: float, room: float, steps: float) -> float:
        """The limit where less than the target waits: `room` is 1 for nothing, 0 for the target."""
        slowly = self._limit * math.pow(1.0 + RISE * room, steps)
        fast = self._limit * math.pow(1.0 + FAST_RISE * room, steps)
        known = NEARLY * self._capacity
        if self._calm_since is None:
            return max(min(slowly, most), min(fast, known))
        calm = now - self._calm_since
        return fast if calm >= CALM_SPAN else max(slowly, min(fast, known))
