"""Pure: playing without keeping: which pieces may be on the disk, and which are to be forgotten.

Forgetting has a price: it ends every connection of the torrent (see window.py). So it is done in
rounds, each of which frees about half of the window, and what is freed is filled ahead of the
playheads before the next one is due.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

# Parts of a playhead's share of the window. Behind it, for a short step back; ahead of it, what has
# to be allowed when a round begins, so that play goes on while connections are made anew.
BEHIND = 1 / 8
AHEAD = 3 / 8
# However long its pieces are, a playhead needs the one it reads, some ahead, and one behind.
LEAST_PIECES = 8
# By bit rate, so much of the video is in the window; but no stranger's descriptor makes it larger
# than so many times the size that the user has set.
WINDOW_SECONDS = 60.0
MOST_TIMES = 4


@dataclass(frozen=True)
class Plan:
    """`allowed`: the pieces that we have or may fetch. `forget`: what we have and must give up."""

    allowed: frozenset[int]
    forget: frozenset[int]


def window_bytes(size: int, *, bytes_per_second: float, setting: int) -> int:
    """How much of a video is on the disk at most: 60 s of it, `setting` at least, 4 x at most.

    0 for a video that is not larger: it is on the disk as a whole. `size` and `setting` in bytes.
    """
    wanted = max(setting, min(int(bytes_per_second * WINDOW_SECONDS), MOST_TIMES * setting))
    return wanted if size > wanted else 0


def plan(
    heads: Sequence[int],
    have: Set[int],
    *,
    video: range,
    most: int,
    in_use: Set[int] = frozenset(),
) -> Plan:
    """Plan for playheads at the pieces `heads`, of which one at least is given.

    `video` are the pieces of the video, `most` is how many of them may be on the disk. `in_use` are
    being read at the moment: they are not forgotten.
    """
    needed = needed_pieces(heads, video=video, most=most) | in_use
    allowed = set(have | needed) if len(have | needed) <= most else set(needed)
    _fill(allowed, heads, video, most)
    return Plan(frozenset(allowed), frozenset(have - allowed))


def needed_pieces(heads: Sequence[int], *, video: range, most: int) -> set[int]:
    """The pieces around each playhead without which a plan is not good enough any more."""
    heads = _within(heads, video)
    share = max(most, LEAST_PIECES) / max(1, len(heads))
    behind, ahead = int(share * BEHIND), max(2, int(share * AHEAD))
    needed: set[int] = set()
    for head in heads:
        needed.update(range(max(video.start, head - behind), min(video.stop, head + ahead)))
    return needed


def _fill(allowed: set[int], heads: Sequence[int], video: range, most: int) -> None:
    """Allow what is left of the window ahead of the playheads, to each the same."""
    following = _within(heads, video)
    while following and len(allowed) < most:
        going_on = []
        for start in following:
            piece = next((p for p in range(start, video.stop) if p not in allowed), None)
            if piece is not None and len(allowed) < most:
                allowed.add(piece)
                going_on.append(piece)
        following = going_on


def _within(heads: Sequence[int], video: range) -> list[int]:
    """The different places of the playheads, where one outside of the video is at its edge.

    It is before the first one is placed, in a torrent of several files; and in a piece that the
    video shares with another file.
    """
    return sorted({max(video.start, min(head, video.stop - 1)) for head in heads})
