"""What is decided about a simulated swarm before it begins, and the players of its viewers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from p2ptube.swarm.player_buffer import PlayerBuffer
from p2ptube.swarm.reader import HERE_SECONDS, MORE_PATIENCE_SECONDS, START_SECONDS
from p2ptube.swarm.schedule import Playhead
from p2ptube.swarm.scheduling import TICK_SECONDS

STEP = TICK_SECONDS  # seconds
LENGTH = 64 * 1024  # bytes of a piece
NEVER = math.inf


@dataclass(frozen=True)
class Watch:
    """What a player does; `ahead` is how many pieces it reads before it shows them."""

    begins: float = 0.0
    piece: int = 0
    ends: float = NEVER
    pauses: tuple[tuple[float, float], ...] = ()  # from, until
    seeks: tuple[tuple[float, int], ...] = ()  # when, and to which piece
    ahead: float = NEVER


@dataclass(frozen=True)
class Member:
    """A member of the swarm: an origin has everything from the beginning."""

    up: float
    down: float = NEVER
    origin: bool = False
    comes: float = 0.0
    leaves: float = NEVER
    away: tuple[float, float] = (NEVER, NEVER)  # from, until
    watches: tuple[Watch, ...] = ()

    def is_present(self, now: float) -> bool:
        """Whether it is connected with the others."""
        return self.comes <= now < self.leaves and not self.away[0] <= now < self.away[1]


@dataclass(frozen=True)
class Plan:
    """Everything about a swarm that is decided before it begins; `bit_rate` in pieces/s."""

    pieces: int
    bit_rate: float
    members: tuple[Member, ...]
    seed: int = 0


class Player:
    """A player and its reader; see reader.py."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self.plan, self.watch = plan, watch
        self.seeks = sorted(watch.seeks)
        self.stalled = 0.0
        self.starts: list[float] = []  # how long each start took
        self.open(watch.piece, watch.begins)

    def open(self, piece: int, now: float) -> None:
        """Begin to read at a piece."""
        self.first = self.read = piece
        self.shown = float(piece)
        self.opened, self.playing = now, False
        self.buffer, self.asks = PlayerBuffer(), True

    def is_open(self, now: float) -> bool:
        """Whether there is a playhead."""
        return self.watch.begins <= now < self.watch.ends and self.read < self.plan.pieces

    def is_paused(self, now: float) -> bool:
        """Whether nothing is shown because nobody wants it."""
        return any(since <= now < until for since, until in self.watch.pauses)

    def seek(self, now: float) -> bool:
        """Jump if it is time to."""
        if not self.seeks or self.seeks[0][0] > now:
            return False
        self.open(self.seeks.pop(0)[1], now)
        return True

    def take(self, have: set[int], held: Sequence[int], now: float, *, crowd: bool) -> None:
        """Read what is here, as far as the player takes it."""
        end, start = self.plan.pieces, self.read
        if self.read == self.first == 0 and crowd and not self._gathered(have, held, now):
            return
        while self.read < end and self.read in have and self.read - self.shown < self.watch.ahead:
            self.read += 1
        given, asked = self.read - start, self.asks
        if given:
            self.buffer.give(given / self.plan.bit_rate, now)
        self.asks = self.read - self.shown < self.watch.ahead
        if self.asks and (given or not asked):
            self.buffer.ask(now)

    def _gathered(self, have: set[int], held: Sequence[int], now: float) -> bool:
        rate, end = self.plan.bit_rate, self.plan.pieces
        least, start = math.ceil(HERE_SECONDS * rate), math.ceil(START_SECONDS * rate)
        here = next((piece for piece in range(end) if piece not in have), end)
        rest = range(here, min(end, start))
        enough = here >= min(end, least) and all(held[p] or p in have for p in rest)
        return enough or now > self.opened + START_SECONDS + MORE_PATIENCE_SECONDS

    def show(self, now: float) -> None:
        """Play for a step."""
        if self.shown >= self.plan.pieces or now < self.watch.begins or self.is_paused(now):
            return
        in_hand, rate = self.read - self.shown, self.plan.bit_rate
        enough = min(START_SECONDS * rate, self.watch.ahead)
        if not self.playing and (in_hand >= enough or self.read == self.plan.pieces):
            self.playing = True
            self.starts.append(now - self.opened)
        elif self.playing:
            self.shown += min(in_hand, STEP * rate)
            if self.read < self.plan.pieces:
                self.stalled += max(0.0, STEP - in_hand / rate)

    def head(self) -> Playhead:
        """Where it reads."""
        started = self.read > self.first
        empty_at = self.buffer.empty_at if started else self.opened + START_SECONDS
        position, end = self.read * LENGTH, self.plan.pieces * LENGTH
        return Playhead(position, end, empty_at, started, asks=self.asks)
