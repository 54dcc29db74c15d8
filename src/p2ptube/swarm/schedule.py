"""Pure: from playheads to piece deadlines."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

# Measured with eight viewers arriving at once: deadlines for the next 10 s and rarest-first
# beyond gave no stall, 5 s and 20 s windows did.
WINDOW_SECONDS = 10.0
# The least that is asked for beyond what is in hand: the first frame needs no more.
MIN_AHEAD = 128 * 1024
MOST_PIECES = 256
# Parts of the window, each up to a fraction of it, with their priorities; USUAL is all others'.
# libtorrent weighs a piece's priority with its availability, and with few holders takes 4, 5 and 6
# for the same: these four stay in this order whatever the availability. 7 comes before all; it is
# for the one piece that a playhead waits for, since pieces of one priority come in any order.
PARTS = ((0.3, 6), (0.6, 3), (1.0, 2))
NEXT, USUAL = 7, 1
# A video whose bit rate nobody told is taken for a usual one of the web.
DEFAULT_BYTES_PER_SECOND = 500_000
# Duration and bit rate are what a stranger says: whatever it is, deadlines stay plausible.
LOWEST_RATE = 1_000
HIGHEST_RATE = 1_000_000_000


@dataclass(frozen=True)
class Playhead:
    """A reader: the next byte it wants, and the end of what it asked for (torrent offsets)."""

    position: int
    end: int


def deadlines(
    playheads: Iterable[Playhead],
    have: Container[int],
    *,
    piece_length: int,
    bytes_per_second: float,
) -> dict[int, int]:
    """Return the pieces that are soon played, each with its deadline in milliseconds from now.

    A piece that several playheads want gets the earliest of its deadlines. Beyond the window of
    each playhead nothing is said: there the swarm's rarest-first serves everybody best.
    """
    rate = _plausible(bytes_per_second)
    result: dict[int, int] = {}
    for head in playheads:
        end = _window_end(head, have, piece_length, rate)
        for piece, away in _missing(head, end, have, piece_length):
            due = int(1000 * away / rate)
            result[piece] = min(due, result.get(piece, due))
    return result


def priorities(
    playheads: Iterable[Playhead],
    have: Container[int],
    *,
    piece_length: int,
    bytes_per_second: float,
) -> dict[int, int]:
    """Return the pieces of each playhead's whole window, the sooner played the higher.

    Deadlines cover the near end of the window only. Without an order behind it, the second that
    is asked for in advance at a limited holder would go to pieces that nobody plays for minutes,
    and the next ones would wait behind them.
    """
    window = max(int(_plausible(bytes_per_second) * WINDOW_SECONDS), 4 * MIN_AHEAD)
    result: dict[int, int] = {}
    for head in playheads:
        end = min(head.end, head.position + window)
        for number, (piece, away) in enumerate(_missing(head, end, have, piece_length)):
            mine = next(priority for part, priority in PARTS if away <= part * window)
            result[piece] = max(mine if number else NEXT, result.get(piece, 0))
    return result


def _plausible(bytes_per_second: float) -> float:
    return min(max(bytes_per_second or DEFAULT_BYTES_PER_SECOND, LOWEST_RATE), HIGHEST_RATE)


def _missing(
    head: Playhead, end: int, have: Container[int], piece_length: int
) -> Iterator[tuple[int, int]]:
    """The pieces between a playhead and `end` that we lack, and how many bytes away they begin."""
    first = head.position // piece_length
    last = -(-end // piece_length)
    for piece in range(first, min(last, first + MOST_PIECES)):
        if piece not in have:
            yield piece, max(0, piece * piece_length - head.position)


def _window_end(
    head: Playhead, have: Container[int], piece_length: int, bytes_per_second: float
) -> int:
    """Where the playhead's window ends: short at first, and the longer the more is in hand.

    All pieces with a deadline have the same priority, and a peer sends what was asked first: a
    long window from the start would let the very first piece wait for all the others.
    """
    widest = int(bytes_per_second * WINDOW_SECONDS)
    piece = head.position // piece_length
    while piece in have and piece * piece_length < head.position + widest:
        piece += 1
    in_hand = max(0, piece * piece_length - head.position)
    ahead = max(2 * in_hand, MIN_AHEAD, piece_length)
    return min(head.end, head.position + max(in_hand, min(in_hand + ahead, widest), piece_length))
