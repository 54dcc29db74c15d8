"""Announce: seed what is complete, as long as the files are what they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import FileChanged, P2PTubeError
from ..library import VideoRecord
from ..models import VideoState
from ..swarm import Session
from .catalog import Catalog

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
CHANGED = "the file was changed after it was added: add it again"
CHANGED_FETCHED = "the file was changed after it was fetched: fetch it again"
GONE = "the file is no longer there"
_OURS = {CHANGED, CHANGED_FETCHED, GONE}


class Sharing:
    """Keeps the session's seeds in step with the files on the disk."""

    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        trackers_of: Callable[[VideoRecord], Iterable[str]],
    ) -> None:
        """`trackers_of` tells where a video is announced."""
        self._session = session
        self._catalog = catalog
        self._trackers_of = trackers_of

    def seed(self, record: VideoRecord, info: bytes) -> None:
        """Share a complete video, unless it is private, or the session has it already."""
        # As it stands now: it may have become private while `record` was on its way here.
        known = self._session.get(record.id)
        if not self._catalog.is_served(record.id) or (known is not None and not known.ahead):
            return
        listed = self._catalog.is_listed(record.id)
        try:
            self._session.seed(
                info,
                Path(record.path),
                self._trackers_of(record),
                listed=listed,
                file=record.file_index if record.envelope is None else None,
            )
        except P2PTubeError:
            log.exception("cannot seed %s", record.id)

    def set_listed(self, video_id: str) -> None:
        """Bring what the session tells of a video in step with its visibility."""
        self._session.set_listed(video_id, self._catalog.is_listed(video_id))

    async def watch(self) -> None:
        """Notice changes of shared files, for ever. What changed is not served any more."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Compare every shared file with what it was."""
        records = [r for r in self._catalog.records() if _is_watched(r)]
        problems = await asyncio.to_thread(lambda: [problem_of(record) for record in records])
        for record, problem in zip(records, problems, strict=True):
            if self._catalog.record(record.id) is not record:
                continue  # changed meanwhile: the next sweep looks again
            if problem and record.state is VideoState.COMPLETE:
                log.warning("%s: %s", record.path, problem)
                await self._catalog.update(record.id, state=VideoState.ERROR, detail=problem)
                await self._session.remove(record.id, FileChanged(problem))
            elif not problem and record.state is VideoState.ERROR:
                await self._catalog.update(record.id, state=VideoState.COMPLETE, detail="")
                info = await self._catalog.info(record.id)
                if info is not None:
                    self.seed(record, info)


def _is_watched(record: VideoRecord) -> bool:
    was_complete = record.state is VideoState.ERROR and record.detail in _OURS
    return record.state is VideoState.COMPLETE or was_complete


def problem_of(record: VideoRecord) -> str:
    """What is wrong with a complete video's file, in words; empty when nothing is."""
    try:
        stat = Path(record.path).stat()
    except OSError:
        return GONE
    same = stat.st_mtime_ns == record.mtime_ns and stat.st_size == record.size
    if same:
        return ""
    return CHANGED if record.mine else CHANGED_FETCHED
