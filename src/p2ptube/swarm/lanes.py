"""Pure: how those who fetch the same torrent at the same time share out what few seeds have.

Each leecher has a lane: every n-th piece, where n leechers know of each other. It asks the seeds
for the pieces of its own lane that no leecher has, the soonest played first, and gets the others
from the leechers. So each piece leaves the seeds about once, and all lanes together bring the n
next pieces at a time.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .pace import Pace, Playtime
from .schedule import NEVER, NEXT, USUAL, WINDOW_SECONDS, Playhead

# How libtorrent ranks pieces by priorities and holders: see schedule.PARTS. A seed is asked for our
# lane before all that leechers have, and for the lanes of others when ours is complete. Pieces of a
# rank come in any order, so that those of our lane which are asked for next have ranks of their
# own: as many as come in the time for which requests are made in advance.
SOON, LATER = 6, 5
ADVANCE_SECONDS = 1.0
# What leechers have, of the next so many seconds and of the rest of the window.
HELD_SOON, HELD_LATER = 5, 4
HELD_SOON_SECONDS = 3.0
# What so many have, or all others, comes late in these ranks, and there is no danger that all ask a
# seed for it. So it is asked for at once, as much as is played in a second at a time: more would
# come in any order, and who comes late to a crowd finds everything with all others.
COMMON = 4
HELD_NEXT_SECONDS = 1.0
# Of another's lane that he does not have in time, a helper asks for a piece this much before it is
# played, and everybody a moment before; both only if their own lanes are further ahead.
HELP_SECONDS = 6.0
URGENT_SECONDS = 1.5
COMFORT_SECONDS = 4.0
# What a leecher has and we wait for, is asked of others as well: of several pieces the first, since
# libtorrent asks the quickest peer for all that has a deadline, however much it was asked for.
RESCUE_SECONDS = 1.0
# The rank of who has no lane.
NONE = -1


@dataclass(frozen=True)
class Lane:
    """Which pieces are ours: those whose number modulo `size` is `rank`; none: of rank NONE."""

    rank: int
    size: int

    def owns(self, number: int) -> bool:
        """Whether we are the one to ask the seeds for a piece."""
        return number % self.size == self.rank

    def helps(self, number: int) -> bool:
        """Whether we are the one to ask for a piece of another's lane when he is late."""
        owner = number % self.size
        away = 1 + number // self.size % max(1, self.size - 1)
        return owner != self.rank and (owner + away) % self.size == self.rank


@dataclass(frozen=True)
class Swarm:
    """What is known of the torrent: `held` tells for each piece how many leechers have it.

    `pieces` are the first piece of the video and the one after its last. `lane_rate`: how many
    pieces of our lane come in a second. `leechers`: how many there are, we among them.
    """

    pieces: tuple[int, int]
    piece_length: int
    pace: Pace
    have: Container[int]
    held: Sequence[int]
    lane_rate: float = 0.0
    leechers: int = 0


@dataclass
class Shares:
    """Priorities of the missing pieces, and those that have a deadline, in milliseconds."""

    priorities: dict[int, int] = field(default_factory=dict)
    deadlines: dict[int, int] = field(default_factory=dict)
    late: bool = False  # one of another's lane is needed at once

    def raise_to(self, piece: int, priority: int) -> None:
        """Let a piece have this priority at least."""
        self.priorities[piece] = max(priority, self.priorities.get(piece, 0))


def shared(playheads: Iterable[Playhead], swarm: Swarm, lane: Lane, now: float) -> Shares:
    """Return what to ask for; `now` is of the clock of `Playhead.empty_at`, in seconds."""
    heads = list(playheads)
    shares = Shares()
    _ours(heads, swarm, lane, shares)
    for head in heads:
        _window(head, swarm, lane, now, shares)
    if shares.late:
        _give_way(swarm, lane, shares)
    return shares


def _ours(heads: list[Playhead], swarm: Swarm, lane: Lane, shares: Shares) -> None:
    first, last = swarm.pieces
    begin = min((head.position // swarm.piece_length for head in heads), default=first)
    number, at_once = 0, 1 + int(swarm.lane_rate * ADVANCE_SECONDS)
    for piece in (*range(begin, last), *range(first, begin)):
        if piece in swarm.have:
            continue
        shares.priorities[piece] = USUAL
        if lane.owns(piece - first) and not swarm.held[piece]:
            soon = NEXT if number < at_once else SOON
            shares.priorities[piece] = soon if number < 2 * at_once else LATER
            number += 1
    if lane.rank == NONE:
        _withhold(swarm, shares)
    elif not number:  # ours is complete: help without all asking for the same
        for piece in shares.priorities:
            if lane.helps(piece - first) and not swarm.held[piece]:
                shares.priorities[piece] = SOON


def _withhold(swarm: Swarm, shares: Shares) -> None:
    """Leave what no leecher has to those with lanes, as long as there is something else to get."""
    rare = [piece for piece in shares.priorities if not swarm.held[piece]]
    if len(rare) < len(shares.priorities):
        shares.priorities |= dict.fromkeys(rare, NEVER)


def _window(head: Playhead, swarm: Swarm, lane: Lane, now: float, shares: Shares) -> None:
    first = swarm.pieces[0]
    missing = list(_missing(head, swarm, now))
    own = (due for piece, due in missing if lane.owns(piece - first) and not swarm.held[piece])
    ours = next(own, float("inf"))
    common = min(COMMON, max(lane.size, swarm.leechers) - 1)
    length, at_once, rescued = swarm.piece_length, Playtime(swarm.pace), False
    for piece, due in missing:
        if swarm.held[piece] > 0:
            wanted_in = due if head.started else due - max(0.0, head.empty_at - now)
            shares.raise_to(piece, HELD_SOON if due < HELD_SOON_SECONDS else HELD_LATER)
            soon = wanted_in < HELD_SOON_SECONDS and swarm.held[piece] >= common
            if soon and at_once.seconds < HELD_NEXT_SECONDS:
                shares.raise_to(piece, NEXT)
                at_once.add(piece * length, (piece + 1) * length)
            if wanted_in < RESCUE_SECONDS and not rescued:
                shares.deadlines[piece] = int(1000 * max(0.0, wanted_in))
                rescued = True
        elif lane.owns(piece - first):
            continue
        elif due < URGENT_SECONDS and ours > COMFORT_SECONDS:
            shares.raise_to(piece, NEXT)
            shares.late = True
        elif due < HELP_SECONDS < ours and lane.helps(piece - first):
            shares.raise_to(piece, LATER)


def _give_way(swarm: Swarm, lane: Lane, shares: Shares) -> None:
    """Ask for what is late before the own lane.

    In one rank with that, which is filled up again and again, it would come at any time.
    """
    for piece, priority in shares.priorities.items():
        ours = lane.owns(piece - swarm.pieces[0]) and not swarm.held[piece]
        if ours and priority == NEXT:
            shares.priorities[piece] = SOON


def _missing(head: Playhead, swarm: Swarm, now: float) -> Iterator[tuple[int, float]]:
    """The pieces of a playhead's window that we lack, and in how many seconds they are played."""
    pace, length = swarm.pace, swarm.piece_length
    end = min(head.end, head.position + int(pace.bytes_within(head.position, WINDOW_SECONDS)))
    last = min(-(-end // length), swarm.pieces[1])
    in_hand = head.in_hand(now)
    for piece in range(head.position // length, last):
        if piece not in swarm.have:
            yield piece, in_hand + pace.seconds_between(head.position, piece * length)
