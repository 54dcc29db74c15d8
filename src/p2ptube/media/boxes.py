"""Pure: the box structure of MP4 and QuickTime files (ISO/IEC 14496-12, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import DamagedMedia

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` returns the bytes there, fewer only at the end of the file."""

MAX_BOXES = 200_000  # a day of fragments of one second; more is no recording but an attack

_HEADER = 8
_LONG_HEADER = 16


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and the byte offsets of its header, its content and its end."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The top-level boxes of a file.

    `complete`: no box claims bytes beyond the end of the file. `tidy`: nothing but boxes is in it.
    """

    boxes: tuple[Box, ...]
    complete: bool
    tidy: bool
    fragmented: bool

    @property
    def has_index(self) -> bool:
        """Whether there is a `moov` box, without which nothing can be played."""
        return any(box.kind == b"moov" for box in self.boxes)

    @property
    def has_data(self) -> bool:
        """Whether there is an `mdat` box: the media themselves."""
        return any(box.kind == b"mdat" for box in self.boxes)

    @property
    def faststart(self) -> bool:
        """Whether `moov` comes before the first `mdat`: play can start with the first bytes."""
        kinds = [box.kind for box in self.boxes if box.kind in {b"moov", b"mdat"}]
        return bool(kinds) and kinds[0] == b"moov"

    @property
    def end(self) -> int:
        """How many bytes the file should have."""
        return max((box.end for box in self.boxes), default=0)


def walk(read_at: ReadAt, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that begin in [start, end). The last one may claim to end beyond `end`.

    Raises DamagedMedia where the bytes are no box, or where there are more than MAX_BOXES.
    """
    count = 0
    while start < end:
        count += 1
        if count > MAX_BOXES:
            raise DamagedMedia(f"more than {MAX_BOXES} boxes")
        box = _read_box(read_at, start, end)
        yield box
        start = box.end


def _read_box(read_at: ReadAt, start: int, end: int) -> Box:
    header = read_at(start, min(_LONG_HEADER, end - start))
    if len(header) < _HEADER:
        raise DamagedMedia(f"no box at byte {start}")
    size, kind = int.from_bytes(header[:4], "big"), bytes(header[4:8])
    content = start + _HEADER
    if size == 0:  # the box reaches to the end of the file
        size = end - start
    elif size == 1:
        if len(header) < _LONG_HEADER:
            raise DamagedMedia(f"no box at byte {start}")
        size, content = int.from_bytes(header[8:16], "big"), start + _LONG_HEADER
    if start + size < content or not _is_kind(kind):
        raise DamagedMedia(f"no box at byte {start}")
    return Box(kind, start, content, start + size)


def read_layout(read_at: ReadAt, size: int) -> Layout:
    """Read the layout of a file of `size` bytes.

    Raises DamagedMedia where it does not begin with a box. What follows the last intact box only
    makes the layout untidy: cameras and editors leave such things behind.
    """
    boxes: list[Box] = []
    tidy = True
    try:
        for box in walk(read_at, 0, size):
            boxes.append(box)  # noqa: PERF402  those before a damaged one are kept
    except DamagedMedia:
        if not boxes:
            raise
        tidy = False
    return Layout(
        boxes=tuple(boxes),
        complete=all(box.end <= size for box in boxes),
        tidy=tidy,
        fragmented=any(_is_fragmented(read_at, box, size) for box in boxes),
    )


def _is_fragmented(read_at: ReadAt, box: Box, size: int) -> bool:
    if box.kind == b"moof":
        return True
    if box.kind != b"moov":
        return False
    try:
        return any(
            inner.kind == b"mvex" for inner in walk(read_at, box.content, min(box.end, size))
        )
    except DamagedMedia:
        return False


def _is_kind(kind: bytes) -> bool:
    # Four printable characters, or the copyright sign that QuickTime puts in front of texts.
    return all(32 <= c < 127 or c == 0xA9 for c in kind)
