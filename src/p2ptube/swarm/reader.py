"""Await the verified bytes of a video while it arrives."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator

from ..tasks import cancel_all
from .player_buffer import PlayerBuffer
from .schedule import Playhead
from .torrent import Torrent

# Pieces read ahead of the consumer, so that the disk and the socket work at the same time.
READ_AHEAD = 3
# ... unless the pieces are so long that this would take too much memory.
READ_AHEAD_BYTES = 32 * 1024 * 1024
# In a crowd pieces come in bursts, when others have got theirs: the first picture waits until that
# much of the video is here, or with others, or for a moment longer than it lasts. A player that
# starts with less would stall at once.
START_SECONDS = 2.5
HERE_SECONDS = 1.25  # of them, here and not with others
START_PART = 1 / 20  # but not more than that of a short one
MORE_PATIENCE_SECONDS = 1.0


async def read(torrent: Torrent, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes [start, end) of the torrent's video file, in order, as they arrive.

    The reader's position drives which pieces are fetched first. Closing the iterator takes its
    playhead away at once. Raises what ends the torrent: StorageError, NotFound, Cancelled.
    """
    layout = await torrent.wait_metadata()
    length = layout.piece_length
    position = begin = layout.file_offset + start
    stop = layout.file_offset + end
    most_ahead = max(1, min(READ_AHEAD, READ_AHEAD_BYTES // length))
    key = object()
    player = PlayerBuffer()
    ahead: deque[asyncio.Task[bytes]] = deque()
    try:
        patience = time.monotonic() + START_SECONDS
        torrent.place(key, Playhead(position, stop, patience, started=False))
        upcoming = iter(range(position // length, -(-stop // length)))
        while position < stop:
            while len(ahead) < most_ahead and (piece := next(upcoming, None)) is not None:
                ahead.append(asyncio.create_task(torrent.piece(piece)))
            data = await ahead.popleft()
            if position == begin:  # by now it is known whether others fetch the same
                await _gather(torrent, position, stop, patience + MORE_PATIENCE_SECONDS)
            offset = position % length
            chunk = data[offset : offset + stop - position]
            seconds = torrent.pace.seconds_between(position, position + len(chunk))
            position += len(chunk)
            player.give(seconds, time.monotonic())
            torrent.place(key, Playhead(position, stop, player.empty_at, asks=False))
            yield chunk
            player.ask(time.monotonic())
            torrent.place(key, Playhead(position, stop, player.empty_at))
    finally:
        torrent.lift(key)
        await cancel_all(*ahead)


async def _gather(torrent: Torrent, position: int, stop: int, until: float) -> None:
    """Wait for the first seconds of a video that is played from its beginning in a crowd.

    At most `until` the monotonic clock says that.
    """
    layout = torrent.layout
    if layout is None or position != layout.file_offset or not torrent.scheduling.sharing:
        return
    length, pace = layout.piece_length, torrent.pace
    most = min(pace.bytes_within(position, START_SECONDS), START_PART * layout.file_size)
    end = min(stop, position + int(most))
    least = min(end, position + int(pace.bytes_within(position, HERE_SECONDS)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(until - time.monotonic()):
            for piece in range(position // length, -(-end // length)):
                await torrent.arrived(piece)
                rest = range(piece, -(-end // length))
                if (piece + 1) * length >= least and torrent.scheduling.are_held(rest):
                    return
