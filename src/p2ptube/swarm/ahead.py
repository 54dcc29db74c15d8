"""A torrent that is fetched ahead: before anybody has asked for it, and some of its bytes only.

Until it is adopted nothing of it is told or kept: it is announced nowhere, and no resume data is
saved. Then it goes on as any other, with the connections and the pieces that it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from ..errors import StorageError
from .schedule import NEXT
from .torrent import Torrent


def want_only(torrent: Torrent, ranges: Iterable[tuple[int, int]]) -> None:
    """Fetch the pieces that hold these bytes of the video's file, the very first one before all.

    No others. Nothing where the layout is not known yet.
    """
    layout = torrent.layout
    if layout is None:
        return
    offset, length = layout.file_offset, layout.piece_length
    pieces = {
        piece
        for start, end in ranges
        for piece in range((offset + start) // length, -(-(offset + end) // length))
    }
    torrent.wanting.confine(frozenset(pieces))
    if pieces:
        torrent.handle.piece_priority(min(pieces), NEXT)
    torrent.wanting.begin()


def is_here(torrent: Torrent) -> bool:
    """Whether all that is wanted of it is here."""
    standing = torrent.standing()
    return standing is not None and torrent.wanting.is_bounded_by(standing[1])


def waits(torrent: Torrent) -> bool:
    """Whether a player waits for the very piece that it is at."""
    heads, have, _ = torrent.standing() or ((), frozenset(), ())
    return any(head not in have for head in heads)


def adopt(torrent: Torrent, directory: Path, *, bounded: bool) -> None:
    """Somebody asked for it: what it has is moved into `directory`, and the rest fetched there.

    `bounded`: no more of it until it is confined to a part, or to none.
    """
    torrent.ahead = False
    torrent.wanting.bound = frozenset() if bounded else None
    torrent.wanting.want_video()
    moving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    moving.add_done_callback(lambda done: done.cancelled() or done.exception())
    torrent.moving, torrent.moving_to = moving, str(directory)
    torrent.handle.move_storage(torrent.moving_to)
    torrent.on_adopted()


def on_moved(torrent: Torrent, problem: str) -> None:
    """Its files were moved, or could not be."""
    if torrent.moving is not None and not torrent.moving.done():
        if problem:
            torrent.moving.set_exception(StorageError(f"cannot move the video's file: {problem}"))
        else:
            torrent.moving.set_result(None)


async def moved(torrent: Torrent) -> None:
    """Wait until its files are where they belong. Raises StorageError, and what ended it."""
    if torrent.moving is not None:
        await asyncio.shield(torrent.moving)
