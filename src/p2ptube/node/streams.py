"""Play: a video's bytes for a player, from the disk or from the swarm as they arrive."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from ..errors import FileChanged, NoHolder, NotFound
from ..library import VideoRecord
from ..models import VideoState
from ..playback.content import Content, file_content, media_type_of
from ..swarm import Torrent
from ..swarm.reader import read

log = logging.getLogger(__name__)

# How long a player waits for the first byte while nobody who has it can be reached.
PATIENCE_SECONDS = 20.0
# A player reconnects when it seeks; only after this is a video that is not kept forgotten.
FORGET_SECONDS = 60.0


class SwarmContent:
    """A video that is still being fetched."""

    def __init__(self, record: VideoRecord, torrent: Torrent, size: int) -> None:
        self.size = size
        self.file_name = record.file_name
        self.media_type = media_type_of(record.file_name)
        self.etag = etag_of(record)
        self._torrent = torrent

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end) as they arrive. Raises NoHolder before the first only."""
        async with aclosing(read(self._torrent, start, end)) as chunks:
            yield await self._first(chunks)
            async for chunk in chunks:
                yield chunk

    async def _first(self, chunks: AsyncIterator[bytes]) -> bytes:
        first = asyncio.ensure_future(anext(chunks))
        try:
            while True:
                done, _ = await asyncio.wait({first}, timeout=PATIENCE_SECONDS)
                if done:
                    return first.result()
                if self._torrent.connected == 0:
                    raise NoHolder("no holder of the video can be reached at the moment")
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)


class Revocable:
    """A content for others, who get no more of it once `allowed` says no: it became private."""

    def __init__(self, content: Content, allowed: Callable[[], bool]) -> None:
        self.size = content.size
        self.file_name = content.file_name
        self.media_type = content.media_type
        self.etag = content.etag
        self._content = content
        self._allowed = allowed

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end). Raises NotFound when they are not for others any more."""
        async with aclosing(as_generator(self._content.read(start, end))) as chunks:
            async for chunk in chunks:
                if not self._allowed():
                    raise NotFound("this video is not shared any more")
                yield chunk


class Counted:
    """A content whose readers are counted, so that what is not kept can go after the last."""

    def __init__(self, content: Content, streams: Streams, video_id: str) -> None:
        self.size = content.size
        self.file_name = content.file_name
        self.media_type = content.media_type
        self.etag = content.etag
        self._content = content
        self._streams = streams
        self._video_id = video_id

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end)."""
        self._streams.opened(self._video_id)
        try:
            async with aclosing(as_generator(self._content.read(start, end))) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._streams.closed(self._video_id)


class Streams:
    """Counts who reads what; calls `forget` a while after a video's last reader went away."""

    def __init__(self, forget: Callable[[str], Awaitable[None]]) -> None:
        self._forget = forget
        self._readers: Counter[str] = Counter()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def opened(self, video_id: str) -> None:
        """A reader began."""
        self._readers[video_id] += 1
        timer = self._timers.pop(video_id, None)
        if timer is not None:
            timer.cancel()

    def closed(self, video_id: str) -> None:
        """A reader ended."""
        self._readers[video_id] -= 1
        if not self._readers[video_id]:
            del self._readers[video_id]
            loop = asyncio.get_running_loop()
            self._timers[video_id] = loop.call_later(FORGET_SECONDS, self._expire, video_id)

    def stop(self) -> None:
        """Forget nothing any more."""
        for timer in self._timers.values():
            timer.cancel()

    def _expire(self, video_id: str) -> None:
        self._timers.pop(video_id, None)
        task = asyncio.ensure_future(self._forget(video_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def as_generator(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the same; closed early, it closes `chunks`, where that can be closed."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def complete_content(record: VideoRecord) -> Content:
    """The content of a complete video. Raises FileChanged for one that is not what it was."""
    if record.state is not VideoState.COMPLETE:
        raise FileChanged(record.detail or "the file is not the one that was added")
    return file_content(
        Path(record.path),
        record.size,
        record.mtime_ns,
        etag=etag_of(record),
        file_name=record.file_name,
    )


def etag_of(record: VideoRecord) -> str:
    """The same while a video is fetched and once it is here: its bytes are fixed by its id."""
    return f'"{record.id}"'
