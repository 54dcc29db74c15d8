"""Pure: from playheads to piece deadlines."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from .pace import Pace, Playtime

# Measured with eight viewers arriving at once: deadlines for the next 10 s and rarest-first
# beyond gave no stall, 5 s and 20 s windows did.
WINDOW_SECONDS = 10.0
# The least that is asked for beyond what is in hand: the first frame needs no more.
MIN_AHEAD = 128 * 1024
MOST_PIECES = 256
# Parts of the window: what is missing of the next so many seconds, with their priorities; USUAL is
# all others'. What libtorrent makes of priorities (`piece_pos::priority` in its piece_picker.hpp,
# and measured with 2.1): the rank of a piece is (8 - priority) * (1 + leechers that have it), the
# lowest first. Pieces of a rank come in any order: the first part is as long as what a player
# waits for.
PARTS = ((1.0, 6), (3.0, 5), (math.inf, 4))
NEXT, USUAL, NEVER = 7, 1, 0


@dataclass(frozen=True)
class Playhead:
    """A reader: the next byte it wants, and the end of what it asked for (torrent offsets).

    At `empty_at`, in seconds of the caller's clock, its player will have shown all it was given.
    Before it was given anything, it is waited for what nobody but seeds has until then, and
    `started` is false. `asks`: its player waits for that byte; if not, it has yet to take what it
    was given before.
    """

    position: int
    end: int
    empty_at: float = 0.0
    started: bool = True
    asks: bool = True

    def in_hand(self, now: float) -> float:
        """For how many seconds its player has something to show; inf: it is paused.

        Who does not ask though he should have run out by now does not play.
        """
        if self.empty_at < now and not self.asks:
            return math.inf
        return max(0.0, self.empty_at - now)


def deadlines(
    playheads: Iterable[Playhead],
    have: Container[int],
    *,
    piece_length: int,
    pace: Pace,
) -> dict[int, int]:
    """Return the pieces that are soon played, each with its deadline in milliseconds from now.

    A piece that several playheads want gets the earliest of its deadlines. Beyond the window of
    each playhead nothing is said: there the swarm's rarest-first serves everybody best.
    """
    result: dict[int, int] = {}
    for head in playheads:
        end = _window_end(head, have, piece_length, pace)
        for piece in _missing(head, end, have, piece_length):
            due = int(1000 * pace.seconds_between(head.position, piece * piece_length))
            result[piece] = min(due, result.get(piece, due))
    return result


def priorities(
    playheads: Iterable[Playhead],
    have: Container[int],
    *,
    piece_length: int,
    pace: Pace,
) -> dict[int, int]:
    """Return the pieces of each playhead's whole window, the sooner played the higher.

    Deadlines cover the near end of the window only. Without an order behind it, the second that
    is asked for in advance at a limited holder would go to pieces that nobody plays for minutes,
    and the next ones would wait behind them.
    """
    result: dict[int, int] = {}
    for head in playheads:
        window = max(int(pace.bytes_within(head.position, WINDOW_SECONDS)), 4 * MIN_AHEAD)
        end = min(head.end, head.position + window)
        before = Playtime(pace)
        for number, piece in enumerate(_missing(head, end, have, piece_length)):
            mine = next(priority for part, priority in PARTS if before.seconds < part)
            result[piece] = max(mine if number else NEXT, result.get(piece, 0))
            before.add(piece * piece_length, (piece + 1) * piece_length)
    return result


def _missing(head: Playhead, end: int, have: Container[int], piece_length: int) -> Iterator[int]:
    """The pieces between a playhead and `end` that we lack."""
    first = head.position // piece_length
    last = -(-end // piece_length)
    for piece in range(first, min(last, first + MOST_PIECES)):
        if piece not in have:
            yield piece


def _window_end(head: Playhead, have: Container[int], piece_length: int, pace: Pace) -> int:
    """Where the playhead's window ends: short at first, and the longer the more is in hand.

    All pieces with a deadline have the same priority, and a peer sends what was asked first: a
    long window from the start would let the very first piece wait for all the others.
    """
    widest = int(pace.bytes_within(head.position, WINDOW_SECONDS))
    piece = head.position // piece_length
    while piece in have and piece * piece_length < head.position + widest:
        piece += 1
    in_hand = max(0, piece * piece_length - head.position)
    ahead = max(2 * in_hand, MIN_AHEAD, piece_length)
    return min(head.end, head.position + max(in_hand, min(in_hand + ahead, widest), piece_length))
