"""Pure: which bytes of a video let it begin at once, and when they may be fetched ahead."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import DamagedMedia
from ..media.boxes import Box, read_layout

HEAD_SECONDS = 3.0
LEAST_HEAD = 256 * 1024
MOST_HEAD = 2 * 1024 * 1024
# All that is fetched ahead of one video: a long one has an index of some megabytes.
MOST_BYTES = 4 * 1024 * 1024
# A video whose bit rate nobody told is taken for a usual one of the web.
USUAL_BYTES_PER_SECOND = 500_000
# Of a limit: above, there is nothing left for what nobody watches yet.
SATURATED = 0.8

Ranges = tuple[tuple[int, int], ...]


def head_length(size: int, duration: float) -> int:
    """How many bytes the first seconds of a video have (seconds; 0 = not known)."""
    rate = size / duration if duration > 0 else USUAL_BYTES_PER_SECOND
    # Both are what a stranger says.
    return min(size, MOST_HEAD, max(LEAST_HEAD, int(min(rate, MOST_HEAD) * HEAD_SECONDS)))


def ranges(beginning: bytes, size: int, head: int) -> Ranges:
    """The bytes [start, end) of a file that a player wants first, by how the file begins.

    `head` are those that hold the first seconds. In MP4 the index (`moov`) must be read before
    anything is shown: it is in front of the media, or behind them. Of what is no MP4, or begins
    with something else, a player looks at the beginning and at the very end.
    """
    first = _first_of(beginning, size)
    if first is not None and first.kind == b"moov":
        return ((0, min(size, first.end + head, MOST_BYTES)),)
    tail = size - 1
    if first is not None and first.end < size:
        tail = first.end
    end = min(size, tail + MOST_BYTES - head)
    return ((0, head),) if tail < head else ((0, head), (tail, end))


def _first_of(beginning: bytes, size: int) -> Box | None:
    """The first box that is the index or the media, as far as the beginning shows."""
    try:
        layout = read_layout(lambda offset, length: beginning[offset : offset + length], size)
    except DamagedMedia:
        return None
    return next((box for box in layout.boxes if box.kind in {b"moov", b"mdat"}), None)


def affordable(wanted: Iterable[tuple[int, int]], offset: int, piece_length: int) -> Ranges:
    """The ranges whose pieces cost no more than MOST_BYTES, rounded up to the next piece.

    What is too much is cut from the end of a range. A range begins at `offset` bytes of its
    torrent. Nothing where a single piece is larger.
    """
    room = -(-MOST_BYTES // piece_length) if piece_length <= MOST_BYTES else 0
    seen: set[int] = set()
    result = []
    for start, end in wanted:
        if end <= start:
            continue
        first, last = (offset + start) // piece_length, -(-(offset + end) // piece_length)
        pieces = [piece for piece in range(first, last) if piece not in seen][:room]
        if pieces:
            room -= len(pieces)
            seen.update(pieces)
            result.append((start, min(end, (pieces[-1] + 1) * piece_length - offset)))
    return tuple(result)


def may_begin(*, waiting: bool, watching: bool, rate: float, limit: int) -> bool:
    """Whether there is something left of the line for what nobody has asked for.

    `waiting`: a player waits for its next bytes. `watching`: somebody watches what is still being
    fetched, while downloads go at `rate` bytes/s of a `limit` (0 = none).
    """
    return not waiting and not (watching and limit and rate >= SATURATED * limit)
