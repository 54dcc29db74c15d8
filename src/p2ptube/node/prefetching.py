"""Prefetch: the head of what is likely to be watched next, before anybody has asked for it.

The page tells which videos the user is about to open. Their holders are connected to, and the
first seconds and the index are fetched, into a directory of its own. If the user opens one, the
fetch goes on with it (`Session.fetch`). Else all of it goes: it is in no list and no library.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import P2PTubeError, ProtocolViolation
from ..swarm import Session, Torrent
from ..swarm.ahead import is_here, moved, waits, want_only
from ..tasks import cancel_all
from . import prefetch_plan as plan
from .catalog import Catalog, Remote
from .disk_room import check_room
from .metadata import Metadata, check_layout

log = logging.getLogger(__name__)

MOST_AT_ONCE = 4
# Until it has to be asked for again; a page that stays open does so.
LEASE_SECONDS = 60.0
LOOK_SECONDS = 1.0
# Holders that do not answer keep a question open for a while, also after its video was left.
MOST_ASKED = 2 * MOST_AT_ONCE


@dataclass(eq=False)
class Ahead:
    """One video that is fetched ahead, until the loop's time is `until`."""

    video_id: str
    torrent: Torrent
    directory: Path
    until: float
    task: asyncio.Task[None] = field(init=False)


class Prefetches:
    """What is fetched ahead, least lately asked for first."""

    def __init__(
        self,
        session: Session,
        metadata: Metadata,
        catalog: Catalog,
        directory: Path,
        allowed: Callable[[], bool],
    ) -> None:
        """`directory` is this one's alone. `allowed` tells whether the user wants any of this."""
        self._session = session
        self._metadata = metadata
        self._catalog = catalog
        self._directory = directory
        self._allowed = allowed
        self._running: dict[str, Ahead] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def clean_up(self) -> None:
        """Delete what a run left that was killed."""
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def stop(self) -> None:
        """Delete everything."""
        for ahead in list(self._running.values()):
            self._end(ahead)
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(*self._ending.values(), return_exceptions=True)

    async def begin(self, video_id: str) -> bool:
        """Fetch the head of a video ahead, or go on to for a while; whether that is done.

        It is not where it is here, where nobody in the swarm is known to have it, and where the
        line is needed for what is being watched. Raises NotFound.
        """
        loop = asyncio.get_running_loop()
        if self._catalog.record(video_id) is not None:
            return False
        remote = self._catalog.remote(video_id)
        stale = self._running.get(video_id)
        if stale is not None and not self._is_there(stale):
            self._end(stale)
        if video_id in self._ending:
            await asyncio.shield(self._ending[video_id])
        has_room = await self._has_room()
        ahead = self._running.pop(video_id, None)
        if ahead is not None:
            ahead.until = loop.time() + LEASE_SECONDS
            self._running[video_id] = ahead
            return True
        if not (has_room and self._is_worth_it(remote)):
            return False
        while len(self._running) >= MOST_AT_ONCE:
            self._end(next(iter(self._running.values())))
        return self._start(remote, loop.time() + LEASE_SECONDS)

    async def cancel(self, video_id: str) -> None:
        """Leave nothing of it, unless it is being fetched by now."""
        ahead = self._running.get(video_id)
        if ahead is not None:
            self._end(ahead)
        if video_id in self._ending:
            await asyncio.shield(self._ending[video_id])

    # --- one of them -----------------------------------------------------------------------------

    def _is_there(self, ahead: Ahead) -> bool:
        """Else the user has added the same file, or opened and deleted it."""
        return self._session.get(ahead.video_id) is ahead.torrent

    def _is_worth_it(self, remote: Remote) -> bool:
        reachable = self._catalog.swarm_addresses(remote.id)
        known = self._session.get(remote.id) is not None
        return bool(reachable) and not known and remote.classic is None and self._may()

    def _may(self) -> bool:
        torrents = [t for t in self._session.torrents() if not t.ahead]
        return self._allowed() and plan.may_begin(
            waiting=any(map(waits, torrents)),
            watching=any(t.playheads() and not t.finished for t in torrents),
            rate=sum(t.status.download_payload_rate for t in torrents if t.status),
            limit=self._session.rates.download_limit,
        )

    async def _has_room(self) -> bool:
        if self._metadata.asking >= MOST_ASKED:
            return False
        most = MOST_AT_ONCE * plan.MOST_BYTES
        try:
            await asyncio.to_thread(check_room, self._directory.parent, most)
        except P2PTubeError as error:
            log.info("nothing is fetched ahead: %s", error)
            return False
        return True

    def _start(self, remote: Remote, until: float) -> bool:
        directory = self._directory / remote.id
        info = remote.info or self._metadata.known(remote.id)
        try:
            torrent = self._session.fetch_ahead(remote.id, directory, info)
        except P2PTubeError as error:
            log.info("cannot fetch %s ahead: %s", remote.id, error)
            return False
        ahead = self._running[remote.id] = Ahead(remote.id, torrent, directory, until)
        torrent.on_adopted = lambda: self._adopted(ahead)
        ahead.task = asyncio.create_task(self._bring(ahead), name=f"prefetch {remote.id}")
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return True

    async def _bring(self, ahead: Ahead) -> None:
        try:
            await self._session.dial(ahead.video_id, self._catalog.swarm_addresses(ahead.video_id))
            if ahead.torrent.layout is None:
                info = await self._metadata.of(ahead.video_id)
                if info is not None:
                    ahead.torrent.set_metadata(info)
            await self._want_head(ahead.video_id, ahead.torrent)
        except P2PTubeError as error:
            log.info("%s is not fetched ahead: %s", ahead.video_id, error)
            self._end(ahead)

    async def _want_head(self, video_id: str, torrent: Torrent) -> None:
        layout = await torrent.wait_metadata()
        check_layout(video_id, self._catalog.described_size(video_id), torrent.info or b"")
        if layout.files > 1:
            raise ProtocolViolation("of a torrent of several files, one is to be chosen first")
        descriptor = self._catalog.remote(video_id).descriptor
        duration = descriptor.duration if descriptor else 0.0
        head = plan.head_length(layout.file_size, duration)
        wanted = plan.affordable([(0, head)], layout.file_offset, layout.piece_length)
        want_only(torrent, wanted)
        if wanted:
            beginning = await torrent.piece(0)
            wanted = plan.ranges(beginning, layout.file_size, head)
            want_only(torrent, plan.affordable(wanted, layout.file_offset, layout.piece_length))

    # --- their ends ------------------------------------------------------------------------------

    async def _look(self) -> None:
        """End what was asked for too long ago, and all that takes the line from who watches."""
        while self._running:
            await asyncio.sleep(LOOK_SECONDS)
            now, allowed, may = asyncio.get_running_loop().time(), self._allowed(), self._may()
            for ahead in list(self._running.values()):
                needed = self._is_there(ahead) and allowed and ahead.until > now
                if not needed or not (may or is_here(ahead.torrent)):
                    self._end(ahead)

    def _end(self, ahead: Ahead) -> None:
        if self._running.get(ahead.video_id) is ahead:
            del self._running[ahead.video_id]
            self._finish_by(ahead, self._clear(ahead))

    def _adopted(self, ahead: Ahead) -> None:
        if self._running.get(ahead.video_id) is ahead:
            del self._running[ahead.video_id]
            ahead.task.cancel()  # at once: it says what is wanted of the torrent
            self._finish_by(ahead, self._tidy(ahead))

    def _finish_by(self, ahead: Ahead, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending[ahead.video_id] = task
        task.add_done_callback(lambda _: self._ended(ahead.video_id, task))

    def _ended(self, video_id: str, task: asyncio.Task[None]) -> None:
        if self._ending.get(video_id) is task:
            del self._ending[video_id]

    async def _clear(self, ahead: Ahead) -> None:
        await cancel_all(ahead.task)
        if not ahead.torrent.ahead:  # somebody asked for it in this very moment
            await self._tidy(ahead)
            return
        if self._is_there(ahead):
            await self._session.remove(ahead.video_id)
        await asyncio.to_thread(self._delete, ahead.directory)

    async def _tidy(self, ahead: Ahead) -> None:
        with contextlib.suppress(P2PTubeError):  # the fetch says it
            await moved(ahead.torrent)
        await asyncio.to_thread(self._delete, ahead.directory)

    def _delete(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # another is in it
            self._directory.rmdir()
