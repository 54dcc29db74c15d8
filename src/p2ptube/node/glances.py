"""Looks into the videos that are being fetched, as soon as their first bytes are here.

How fast a video is to come, and how much of it a player has in hand, depends on its bit rate, which
changes: its index tells how. Of a stranger's video nobody even described how long it is.
"""

from __future__ import annotations

import asyncio
import logging

from ..errors import P2PTubeError
from ..media.glance import Glance, glance, telling
from ..media.worker import run_in_worker
from ..swarm import Torrent
from ..swarm.metainfo import Layout
from ..swarm.pace import Pace
from ..swarm.small_reads import read_bytes
from .catalog import Catalog
from .per_video import PerVideo

log = logging.getLogger(__name__)

FIRST_BYTES = 4096
# Of what is described, the mean rate is known: no process is started for more while a player waits
# for its first picture. What is here by then needs no schedule.
LET_START_SECONDS = 5.0
AT_ONCE = 2  # processes, however many fetches a node that starts goes on with


class Glances:
    """Looks into the videos that are being fetched, a task for each."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tasks = PerVideo[None]()
        self._room = asyncio.Semaphore(AT_ONCE)

    def begin(self, video_id: str, torrent: Torrent) -> None:
        """Look into a video when its first bytes are here, which nothing is asked for."""
        self.stop(video_id)
        record = self._catalog.record(video_id)
        if record is not None:
            looking = self._look(video_id, torrent, described=record.duration > 0)
            self._tasks.begin(video_id, looking, name="glance")

    def stop(self, video_id: str) -> None:
        """Look no longer: the video goes, or another file of its torrent is chosen."""
        self._tasks.stop(video_id)

    async def stop_all(self) -> None:
        """End the tasks."""
        await self._tasks.stop_all()

    async def _look(self, video_id: str, torrent: Torrent, *, described: bool) -> None:
        try:
            layout = await torrent.wait_metadata()
            data = await _telling(torrent, layout)
            if described:
                await asyncio.sleep(LET_START_SECONDS)
                if torrent.finished or torrent.is_gone:
                    return
            async with self._room:
                seen = await run_in_worker(glance, data) if data else None
            record = self._catalog.record(video_id)
            if seen is None or record is None or record.file_index != layout.file_index:
                return
            pace = Pace.of_index(
                layout.file_size, seen.duration, seen.index, begins=layout.file_offset
            )
            if not (described and pace.is_steady):
                torrent.pace = pace
            if not described:
                await self._describe(video_id, seen)
        except P2PTubeError as error:
            log.info("cannot look into %s: %s", video_id, error)
        except Exception:
            log.exception("looking into %s failed", video_id)

    async def _describe(self, video_id: str, seen: Glance) -> None:
        await self._catalog.update(
            video_id,
            duration=seen.duration,
            width=seen.width,
            height=seen.height,
            video_codec=seen.video_codec,
            audio_codec=seen.audio_codec,
        )


async def _telling(torrent: Torrent, layout: Layout) -> bytes:
    """The bytes of the video that tell what it is, once they are here."""
    size, offset = layout.file_size, layout.file_offset
    beginning = await read_bytes(torrent, offset, offset + min(size, FIRST_BYTES))
    data = b""
    for start, end in telling(beginning, size):
        data += await read_bytes(torrent, offset + start, offset + end)
    return data
