"""Play without keeping: of which videos only a window is here, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import P2PTubeError, StorageError
from ..library import VideoRecord
from ..swarm import Session, Torrent, window_bytes
from ..swarm.holes import can_punch
from ..swarm.window import Window
from .catalog import Catalog
from .disk_room import check_room

log = logging.getLogger(__name__)


class Unkept:
    """The windows of the videos that are played without being kept.

    Where the file system cannot give back a part of a file, there are none: a video takes all of
    its space until it is over.
    """

    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        directory: Path,
        setting: Callable[[], int],
    ) -> None:
        """`directory` has one for each video; `setting` tells how large a window is, in bytes."""
        self._session = session
        self._catalog = catalog
        self._directory = directory
        self._setting = setting
        self._windows: dict[str, Window] = {}
        self._forgotten: set[str] = set()
        self._changing = asyncio.Lock()  # a window takes its time to be lifted

    def remember(self, video_id: str) -> None:
        """A video was forgotten: whoever goes on with it later does not want to keep it either."""
        self._forgotten.add(video_id)

    def keeps(self, video_id: str, usual: bool) -> bool:
        """Whether a video that is played now is to be kept, where nobody says it."""
        return usual and video_id not in self._forgotten

    async def is_bounded(self, record: VideoRecord) -> bool:
        """Whether a fetch has to begin with nothing wanted, since a window is to follow.

        Raises StorageError.
        """
        if record.keep:
            return False
        return record.size == 0 or await self.most_bytes(record, record.size) > 0

    async def most_bytes(self, record: VideoRecord, size: int) -> int:
        """How much of a video of `size` bytes is on the disk at most; 0 for all of it.

        Raises StorageError.
        """
        if record.keep:
            return 0
        rate = size / record.duration if record.duration > 0 else 0.0
        most = window_bytes(size, bytes_per_second=rate, setting=self._setting())
        return most if most and await asyncio.to_thread(self._can_forget) else 0

    async def confine(self, video_id: str, torrent: Torrent) -> None:
        """Let there be a window for a torrent whose layout is known, if its video is not kept."""
        layout = await torrent.wait_metadata()
        async with self._changing:
            record = self._catalog.record(video_id)
            most = await self.most_bytes(record, layout.file_size) if record is not None else 0
            here = self._session.get(video_id) is torrent and not torrent.finished
            if record is None or not here or video_id in self._windows:
                return
            if most:
                directory = self._directory / video_id
                self._windows[video_id] = Window(self._session, torrent, directory, most)
            elif torrent.wanting.bound is not None:
                torrent.wanting.confine(None)

    async def keep(self, record: VideoRecord) -> None:
        """Let the whole of a video be fetched from now on. Raises StorageError: no room for it."""
        async with self._changing:
            if record.id in self._windows:
                await asyncio.to_thread(check_room, self._directory, record.size, Path(record.path))
                window = self._windows.pop(record.id, None)
                if window is not None:
                    await window.lift()

    async def release(self, video_id: str) -> None:
        """Nothing is done to a torrent any more: it leaves the session."""
        window = self._windows.pop(video_id, None)
        if window is not None:
            await window.close()

    async def forget_all(self) -> None:
        """The node ends: nothing is left of what is not kept, neither files nor records."""
        for record in self._catalog.records():
            if record.keep or record.in_place:
                continue
            try:
                await self._catalog.library.delete_video(record.id)
                await asyncio.to_thread(
                    shutil.rmtree, self._directory / record.id, ignore_errors=True
                )
            except (P2PTubeError, OSError):
                log.exception("cannot forget %s", record.id)

    def _can_forget(self) -> bool:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            return can_punch(self._directory)
        except OSError as error:
            raise StorageError(f"cannot use {self._directory}: {error.strerror}") from error
