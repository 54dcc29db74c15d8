"""Await the verified bytes of a video while it arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from .schedule import Playhead
from .torrent import Torrent

# Pieces read ahead of the consumer, so that the disk and the socket work at the same time.
READ_AHEAD = 3
# ... unless the pieces are so long that this would take too much memory.
READ_AHEAD_BYTES = 32 * 1024 * 1024


async def read(torrent: Torrent, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes [start, end) of the torrent's video file, in order, as they arrive.

    The reader's position drives which pieces are fetched first. Closing the iterator takes its
    playhead away at once. Raises what ends the torrent: StorageError, NotFound, Cancelled.
    """
    layout = await torrent.wait_metadata()
    length = layout.piece_length
    position, stop = layout.file_offset + start, layout.file_offset + end
    most_ahead = max(1, min(READ_AHEAD, READ_AHEAD_BYTES // length))
    key = object()
    ahead: deque[asyncio.Task[bytes]] = deque()
    try:
        torrent.place(key, Playhead(position, stop))
        upcoming = iter(range(position // length, -(-stop // length)))
        while position < stop:
            while len(ahead) < most_ahead and (piece := next(upcoming, None)) is not None:
                ahead.append(asyncio.create_task(torrent.piece(piece)))
            data = await ahead.popleft()
            offset = position % length
            chunk = data[offset : offset + stop - position]
            position += len(chunk)
            torrent.place(key, Playhead(position, stop))
            yield chunk
    finally:
        torrent.lift(key)
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)
