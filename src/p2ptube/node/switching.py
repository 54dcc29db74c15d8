"""Another file of a torrent that is here already: the next episode of a series."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from ..errors import Conflict, P2PTubeError
from ..library import VideoRecord
from ..models import VideoState, Visibility
from ..swarm import Session
from .catalog import Catalog
from .torrent_files import Choice

log = logging.getLogger(__name__)

RESUME_SECONDS = 5.0
_NOT_KNOWN = {"duration": 0.0, "width": 0, "height": 0, "video_codec": "", "audio_codec": ""}


class Switching:
    """Lets the record of a torrent be that of another of its files, one change after the other.

    What is here of the one before stays beside it, unless it is not kept: when it is chosen again,
    the fetch goes on with that.
    """

    def __init__(
        self,
        catalog: Catalog,
        session: Session,
        withdraw: Callable[[str], Awaitable[None]],
        directory: Path,
    ) -> None:
        """`withdraw` ends what is done to a video; `directory` has one for each."""
        self._catalog = catalog
        self._session = session
        self._withdraw = withdraw
        self._directory = directory
        self._lock = asyncio.Lock()

    async def to(self, record: VideoRecord, choice: Choice) -> VideoRecord:
        """The record, being fetched where another file was chosen before.

        Raises Conflict for a private video: who fetches also shares.
        """
        async with self._lock:
            record = self._catalog.record(record.id) or record
            layout = choice.layout
            same = layout.file_index == record.file_index and record.piece_length > 0
            if same or record.envelope is not None:
                return record
            if record.visibility is Visibility.PRIVATE:
                raise Conflict(
                    "the video is private, and who fetches another file of its torrent also "
                    "shares it: make it public or unlisted first"
                )
            await self._remember(record)
            await self._withdraw(record.id)
            if not record.keep:
                await self._catalog.library.delete_resume(record.id)
                await asyncio.to_thread(
                    shutil.rmtree, self._directory / record.id, ignore_errors=True
                )
            return await self._catalog.update(
                record.id,
                state=VideoState.FETCHING,
                detail="",
                sha256="",
                mtime_ns=0,
                captions=(),
                **_NOT_KNOWN,
                path=str(self._directory / record.id / layout.file_path),
                **choice.fields(record.title),
            )

    async def _remember(self, record: VideoRecord) -> None:
        """Note what is here of the file that was chosen before."""
        torrent = self._session.get(record.id)
        if torrent is None or torrent.finished or torrent.layout is None or not record.keep:
            return
        try:
            data = await self._session.resume.take(torrent, RESUME_SECONDS)
            await self._catalog.library.put_resume(record.id, data)
        except (TimeoutError, P2PTubeError) as error:
            log.info("some pieces of %s may be fetched again: %s", record.id, error)
