"""The subtitle files of a torrent: read as soon as they are here, and kept as captions."""

from __future__ import annotations

import asyncio
import logging
from pathlib import PurePosixPath

from ..errors import P2PTubeError
from ..library import StoredCaptions
from ..media.captions import convert_files
from ..media.worker import run_in_worker
from ..swarm import Torrent
from ..swarm.files import TorrentFile
from ..swarm.small_reads import read_file
from ..tasks import cancel_all
from .catalog import Catalog
from .per_video import PerVideo

log = logging.getLogger(__name__)


class Subtitles:
    """Makes captions of the subtitles of the videos that are being fetched; a task for each."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tasks = PerVideo[None]()

    def collect(self, video_id: str, torrent: Torrent, files: dict[str, TorrentFile]) -> None:
        """Begin to wait for these files, by language; each becomes captions of the video."""
        self.stop(video_id)
        record = self._catalog.record(video_id)
        known = {each.language for each in record.captions} if record else set()
        missing = {language: file for language, file in files.items() if language not in known}
        if missing:
            collecting = self._collect(video_id, torrent, missing)
            self._tasks.begin(video_id, collecting, name="subtitles")

    def stop(self, video_id: str) -> None:
        """Wait no longer: the video goes, or another file of its torrent is chosen."""
        self._tasks.stop(video_id)

    async def stop_all(self) -> None:
        """End the tasks."""
        await self._tasks.stop_all()

    async def _collect(
        self, video_id: str, torrent: Torrent, files: dict[str, TorrentFile]
    ) -> None:
        arriving = {
            asyncio.create_task(read_file(torrent, file)): (language, file)
            for language, file in files.items()
        }
        try:
            waiting = set(arriving)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                # Those that came together are converted by one process.
                here = [(*arriving[task], task.result()) for task in done]
                await self._keep(video_id, torrent, here)
        except P2PTubeError as error:
            log.info("not all subtitles of %s could be had: %s", video_id, error)
        except Exception:
            log.exception("the subtitles of %s failed", video_id)
        finally:
            await cancel_all(*arriving)

    async def _keep(
        self, video_id: str, torrent: Torrent, here: list[tuple[str, TorrentFile, bytes]]
    ) -> None:
        texts = tuple((PurePosixPath(file.path).suffix, data) for _, file, data in here)
        converted = await run_in_worker(convert_files, texts)
        fresh = {}
        for (language, file, _), webvtt in zip(here, converted, strict=True):
            if webvtt is None:
                log.info("%r of %s holds no subtitles", file.name, video_id)
            else:
                sha256 = await self._catalog.library.put_blob(webvtt)
                fresh[language] = StoredCaptions(language=language, sha256=sha256)
        record = self._catalog.record(video_id)
        layout = torrent.layout
        if record is not None and fresh and layout and layout.file_index == record.file_index:
            known = {each.language: each for each in record.captions} | fresh
            captions = tuple(each for _, each in sorted(known.items()))
            await self._catalog.update(video_id, captions=captions)
