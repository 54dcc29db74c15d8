"""The schedule of one torrent, brought to libtorrent: deadlines and priorities of its pieces."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Set
from typing import Protocol

import libtorrent as lt

from .lanes import NONE, Lane, Swarm, shared
from .metainfo import Layout
from .pace import Pace
from .relaying import Relaying, backlog
from .schedule import NEVER, NEXT, Playhead, deadlines, priorities

# How often it is looked at which pieces other leechers have by now.
TICK_SECONDS = 0.2
RATE_SECONDS = 2.0  # over which the rate of our lane is measured
# That costs time for every missing piece: a torrent with more is fetched as if alone.
MOST_SHARED_PIECES = 20_000
# Two get little out of each other's lanes: each would wait for the other's half.
FEWEST_LEECHERS = 3
# With more seeds than this for every leecher, there is nothing to save.
FEW_SEEDS = 0.5


class Scheduled(Protocol):
    """What is scheduled: see Torrent."""

    handle: lt.torrent_handle
    layout: Layout | None
    pace: Pace
    finished: bool

    @property
    def have(self) -> Set[int]:
        """The pieces that are here."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether it has left the session."""
        ...

    @property
    def on_moved(self) -> Callable[[], None]:
        """To be told that a playhead has moved."""
        ...

    def usual(self, piece: int) -> int:
        """The priority of a piece of which nothing is known; 0: it is not wanted."""
        ...

    def seeds(self) -> int:
        """How many peers are connected that have everything."""
        ...


class Scheduling:
    """Playheads, and the other leechers, of one torrent; it tells libtorrent what follows."""

    def __init__(self, torrent: Scheduled) -> None:
        self._torrent = torrent
        self.playheads: dict[object, Playhead] = {}
        self.deadlines: set[int] = set()
        self._priorities: dict[int, int] = {}
        self._leechers: list[str] = []  # those with a lane, in the order of their lanes
        self._crowd = 0  # how many fetch the same, with or without a lane
        self._ourselves = ""
        self._relaying = Relaying()
        self.line = 0.0  # what ours uploads, in bytes/s; 0: not known
        self.on_behind: Callable[[], None] = lambda: None  # we had better have no lane
        self.on_lane: Callable[[], None] = lambda: None  # ours is another now, or none
        self._lane: Lane | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._own_arrivals: deque[float] = deque()  # when pieces of our lane came, of late

    @property
    def sharing(self) -> bool:
        """Whether others fetch the same from few seeds, and share it out with us."""
        return self._lane is not None

    def share_among(
        self, ourselves: str, others: Set[str], without_lane: Set[str] = frozenset()
    ) -> None:
        """These others fetch the same just now; of all, some are to have no lane.

        All call themselves by the same names. If nobody is to have a lane, all have.
        """
        crowd = {ourselves, *others}
        with_lanes = sorted(crowd - without_lane) or sorted(crowd)
        changed = with_lanes != self._leechers or len(crowd) != self._crowd
        self._ourselves, self._crowd, self._leechers = ourselves, len(crowd), with_lanes
        if changed:
            self.restart()

    def place(self, key: object, head: Playhead) -> None:
        """Put a playhead where it is now; a jump drops what was asked for before."""
        before = self.playheads.get(key)
        self.playheads[key] = head
        if before is not None and before.position == head.position:
            return  # only its player does something else: the next tick is soon enough
        self._torrent.on_moved()
        if before is None or not before.position <= head.position <= before.end:
            self.restart()
        elif self._lane is None:  # else the next tick does: all that is missing is looked at
            self.extend()

    def lift(self, key: object) -> None:
        """Take a playhead away."""
        if self.playheads.pop(key, None) is not None:
            self.restart()

    def are_held(self, pieces: range) -> bool:
        """Whether each of these pieces is here, or some other leecher has it."""
        held, have = self._held(), self._torrent.have
        return all(piece in have or (piece < len(held) and held[piece] > 0) for piece in pieces)

    def _held(self) -> list[int]:
        """For each piece, how many leechers have it; empty where it is not known."""
        if not self._is_open():
            return []
        seeds = self._torrent.seeds()
        return [max(0, peers - seeds) for peers in self._torrent.handle.piece_availability()]

    def arrived(self, piece: int) -> None:
        """A piece is here."""
        layout = self._torrent.layout
        if self._lane and layout and self._lane.owns(piece - layout.video_pieces[0]):
            self._own_arrivals.append(time.monotonic())
        if piece in self.deadlines:
            self.deadlines.discard(piece)
            if self._lane is None:
                self.extend()

    def withholds(self) -> bool:
        """Whether something that is missing is not asked for, for now."""
        withheld = (piece for piece, priority in self._priorities.items() if priority == NEVER)
        return any(piece not in self._torrent.have for piece in withheld)

    def forget(self) -> None:
        """What libtorrent was told does not hold any more."""
        self.deadlines.clear()
        self._priorities.clear()

    def close(self) -> None:
        """The torrent is gone."""
        self._lane = None
        self.playheads.clear()
        self.forget()
        if self._timer is not None:
            self._timer.cancel()

    def restart(self) -> None:
        """Drop what was asked for, and ask anew."""
        torrent = self._torrent
        if self._is_open():
            # Outstanding requests are cancelled only when the list of deadlines is empty first.
            if self.deadlines:
                torrent.handle.clear_piece_deadlines()
            changed = {*self.deadlines, *self._priorities} - torrent.have
            if changed:
                torrent.handle.prioritize_pieces([(p, torrent.usual(p)) for p in changed])
        self.forget()
        lane = self._our_lane()
        if lane != self._lane:
            self._relaying = Relaying()  # how it was with another lane tells nothing of this one
            self._lane = lane
            self.on_lane()
        self.extend()

    def extend(self) -> None:
        """Ask for what is to come by now."""
        if not self._is_open():
            return
        if self._lane is not None:
            self._extend_shared(self._lane)
        elif self.playheads:
            self._extend_alone()
        if self._crowd >= FEWEST_LEECHERS and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._is_open() and self._our_lane() != self._lane:
            self.restart()
        else:
            self.extend()

    def _is_open(self) -> bool:
        torrent = self._torrent
        return not (torrent.finished or torrent.is_gone or torrent.layout is None)

    def _our_lane(self) -> Lane | None:
        layout, size = self._torrent.layout, self._crowd
        if size < FEWEST_LEECHERS or layout is None or layout.pieces > MOST_SHARED_PIECES:
            return None
        if not self._is_open() or self._torrent.seeds() > FEW_SEEDS * size:
            return None
        ours = self._ourselves in self._leechers
        rank = self._leechers.index(self._ourselves) if ours else NONE
        return Lane(rank, len(self._leechers))

    def _extend_alone(self) -> None:
        torrent, heads = self._torrent, self.playheads.values()
        length = torrent.layout.piece_length if torrent.layout else 1
        pace = torrent.pace
        self._hurry(deadlines(heads, torrent.have, piece_length=length, pace=pace))
        self._prefer(priorities(heads, torrent.have, piece_length=length, pace=pace))

    def _extend_shared(self, lane: Lane) -> None:
        torrent, layout, now = self._torrent, self._torrent.layout, time.monotonic()
        held = self._held()
        if layout is None or len(held) < layout.pieces:  # it has just become a seed
            return
        swarm = Swarm(
            pieces=layout.video_pieces,
            piece_length=layout.piece_length,
            pace=torrent.pace,
            have=torrent.have,
            held=held,
            lane_rate=self._lane_rate(),
            leechers=self._crowd,
        )
        if lane.rank != NONE and self._falls_behind(lane, layout, held, now):
            self.on_behind()
        shares = shared(self.playheads.values(), swarm, lane, now)
        self._hurry(shares.deadlines)
        self._prefer(shares.priorities)

    def _falls_behind(self, lane: Lane, layout: Layout, held: list[int], now: float) -> bool:
        waiting = backlog(layout.video_pieces, self._torrent.have, held, lane)
        needed = self._lane_rate() * layout.piece_length * (self._crowd - 1)
        return self._relaying.falls_behind(waiting, needed=needed, line=self.line, now=now)

    def _lane_rate(self) -> float:
        times, since = self._own_arrivals, time.monotonic() - RATE_SECONDS
        while times and times[0] < since:
            times.popleft()
        return len(times) / RATE_SECONDS

    def _hurry(self, due: dict[int, int]) -> None:
        for piece, milliseconds in due.items():
            if piece not in self.deadlines and self._torrent.usual(piece):
                self.deadlines.add(piece)
                self._torrent.handle.set_piece_deadline(piece, milliseconds)
                self._priorities[piece] = NEXT  # that is what libtorrent makes of it

    def _prefer(self, order: dict[int, int]) -> None:
        changed = [
            (piece, priority)
            for piece, priority in order.items()
            if piece not in self.deadlines
            and self._priorities.get(piece) != priority
            and self._torrent.usual(piece)
        ]
        if changed:
            self._priorities.update(changed)
            self._torrent.handle.prioritize_pieces(changed)
