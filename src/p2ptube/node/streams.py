"""Play: a video's bytes for a player, from the disk or from the swarm as they arrive."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from ..errors import FileChanged, NoHolder, NotFound
from ..library import VideoRecord
from ..models import VideoState
from ..playback.content import Content, file_content, media_type_of
from ..playback.wrapped import WrappedContent
from ..swarm import Layout, Torrent
from ..swarm.reader import read
from ..tasks import cancel_all

log = logging.getLogger(__name__)

# How long a player waits for the first byte while nobody who has it can be reached.
PATIENCE_SECONDS = 20.0
# A player reconnects when it seeks, and takes its time to start once a fetch was asked for; only
# after this is a video that is not kept forgotten.
FORGET_SECONDS = 60.0


class SwarmContent:
    """A video that is still being fetched."""

    def __init__(self, torrent: Torrent, layout: Layout, file_name: str) -> None:
        self.size = layout.file_size
        self.file_name = file_name
        self.media_type = media_type_of(file_name)
        self.etag = etag_of(layout.info_hash, layout.file_index)
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
            await cancel_all(first)


class Revocable(WrappedContent):
    """A content for others, who get no more of it once `allowed` says no: it became private."""

    def __init__(self, content: Content, allowed: Callable[[], bool]) -> None:
        super().__init__(content)
        self._allowed = allowed

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end). Raises NotFound when they are not for others any more."""
        async with aclosing(super().read(start, end)) as chunks:
            async for chunk in chunks:
                if not self._allowed():
                    raise NotFound("this video is not shared any more")
                yield chunk


class Counted(WrappedContent):
    """A content whose readers are counted, so that what is not kept can go after the last."""

    def __init__(self, content: Content, streams: Streams, video_id: str) -> None:
        super().__init__(content)
        self._streams = streams
        self._video_id = video_id

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end)."""
        with self._streams.using(self._video_id):
            async with aclosing(super().read(start, end)) as chunks:
                async for chunk in chunks:
                    yield chunk


class Streams:
    """Counts who uses what; calls `forget` a while after the last use of a video has ended.

    To read it is one, and so is to ask for it: nobody need ever read what was asked for.
    """

    def __init__(self, forget: Callable[[str], Awaitable[None]]) -> None:
        self._forget = forget
        self._users: Counter[str] = Counter()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    @contextmanager
    def using(self, video_id: str) -> Iterator[None]:
        """A video is in use meanwhile, and not forgotten for a while after it."""
        self._users[video_id] += 1
        timer = self._timers.pop(video_id, None)
        if timer is not None:
            timer.cancel()
        try:
            yield
        finally:
            self._ended(video_id)

    def stop(self) -> None:
        """Forget nothing any more."""
        for timer in self._timers.values():
            timer.cancel()

    def _ended(self, video_id: str) -> None:
        self._users[video_id] -= 1
        if not self._users[video_id]:
            del self._users[video_id]
            loop = asyncio.get_running_loop()
            self._timers[video_id] = loop.call_later(FORGET_SECONDS, self._expire, video_id)

    def _expire(self, video_id: str) -> None:
        self._timers.pop(video_id, None)
        task = asyncio.ensure_future(self._forget(video_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def complete_content(record: VideoRecord) -> Content:
    """The content of a complete video. Raises FileChanged for one that is not what it was."""
    if record.state is not VideoState.COMPLETE:
        raise FileChanged(record.detail or "the file is not the one that was added")
    return file_content(
        Path(record.path),
        record.size,
        record.mtime_ns,
        etag=etag_of(record.id, record.file_index),
        file_name=record.file_name,
    )


def etag_of(video_id: str, file_index: int) -> str:
    """The same while a video is fetched and once it is here: its bytes are fixed by its id.

    Of a torrent of several files, by which of them it is, too.
    """
    file = f"-{file_index}" if file_index else ""
    return f'"{video_id}{file}"'
