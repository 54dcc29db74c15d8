"""Fetch: from a remote video to a complete file, whatever happens to its holders meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import threading
from pathlib import Path

from ..errors import BadSignature, Cancelled, P2PTubeError, StorageError
from ..library import VideoRecord
from ..models import VideoState
from ..overlay.peer import Peer
from ..swarm import Session, Torrent
from ..swarm.ahead import moved
from ..swarm.pace import Pace
from ..swarm.publish import sha256_of
from ..tasks import cancel_all
from .announcing import Announcing
from .catalog import Catalog
from .disk_room import check_room
from .glances import Glances
from .merging import merged
from .metadata import Metadata, check_layout
from .per_video import PerVideo
from .subtitles import Subtitles
from .torrent_files import Choice, choose
from .trackers import Trackers
from .unkept import Unkept

log = logging.getLogger(__name__)

REDIAL_SECONDS = 2.0
# Who came at the same moment as we did is a holder soon: look for more of them early, then ever
# more seldom.
FIRST_LOOK_SECONDS = 0.5
MORE_HOLDERS_SECONDS = 15.0
FIND_SECONDS = 5.0
NO_HOLDER = "no holder reachable"


class Fetches:
    """The fetches under way, a task each."""

    def __init__(
        self,
        session: Session,
        peer: Peer,
        catalog: Catalog,
        directory: Path,
        *,
        metadata: Metadata,
        trackers: Trackers,
        announcing: Announcing,
        unkept: Unkept,
        subtitles: Subtitles,
        glances: Glances,
    ) -> None:
        self._session = session
        self._trackers = trackers
        self._peer = peer
        self._metadata = metadata
        self._catalog = catalog
        self._directory = directory
        self._unkept = unkept
        self._announcing = announcing
        self._subtitles = subtitles
        self._glances = glances
        self._tasks = PerVideo[None]()
        self._torrents: dict[str, asyncio.Future[Torrent]] = {}
        self._finished: dict[str, asyncio.Event] = {}

    def directory(self, video_id: str) -> Path:
        """Where a video's files go."""
        return self._directory / video_id

    def start(self, record: VideoRecord) -> None:
        """Begin, or go on with, the fetch of a recorded video; nothing if it is under way."""
        if self._tasks.get(record.id) is None:
            future: asyncio.Future[Torrent] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._torrents[record.id] = future
            self._finished[record.id] = asyncio.Event()
            task = self._tasks.begin(record.id, self._run(record), name="fetch")
            task.add_done_callback(lambda _: self._forget(record.id))

    async def stop(self, video_id: str) -> None:
        """Stop a fetch; what it brought so far stays on the disk."""
        task = self._tasks.get(video_id)
        if task is not None:
            await cancel_all(task)
            await self._session.remove(video_id, Cancelled("the fetch was stopped"))

    async def stop_all(self) -> None:
        """Stop the tasks; the torrents stay in the session, which saves where they are."""
        await self._tasks.stop_all()

    async def torrent(self, video_id: str) -> Torrent:
        """The torrent of a fetch under way, once it is in the session."""
        known = self._session.get(video_id)
        if known is not None:
            return known
        future = self._torrents.get(video_id)
        if future is None:
            raise Cancelled("the fetch was stopped")
        return await asyncio.shield(future)

    def finished(self, info_hash: str) -> None:
        """The session has every piece."""
        if info_hash in self._finished:
            self._finished[info_hash].set()

    def failed(self, info_hash: str, reason: str) -> None:
        """The session cannot go on with a video: usually the disk."""
        task = self._tasks.get(info_hash)
        if task is not None:
            task.cancel(f"the fetch cannot go on: {reason}")

    # --- one fetch -----------------------------------------------------------------------------

    def _forget(self, video_id: str) -> None:
        self._finished.pop(video_id, None)
        self._torrents.pop(video_id).cancel()

    async def _run(self, record: VideoRecord) -> None:
        try:
            await self._fetch(record)
        except asyncio.CancelledError as cancelled:
            reason = str(cancelled.args[0]) if cancelled.args else ""
            if not reason:
                raise
            await self._give_up(record.id, reason)
        except P2PTubeError as error:
            await self._give_up(record.id, str(error))
        except Exception as error:
            log.exception("fetch of %s failed", record.id)
            await self._give_up(record.id, f"internal error: {error}")

    async def _give_up(self, video_id: str, reason: str) -> None:
        await self._session.remove(video_id, StorageError(reason))
        try:
            if self._catalog.record(video_id) is not None:
                await self._catalog.update(video_id, state=VideoState.ERROR, detail=reason)
        except P2PTubeError:
            log.exception("cannot note why the fetch of %s ended: %s", video_id, reason)

    async def _fetch(self, record: VideoRecord) -> None:
        bounded = await self._unkept.is_bounded(record)
        size = 0 if bounded else record.size
        await asyncio.to_thread(check_room, self._directory, size, Path(record.path))
        info = record.torrent or await self._catalog.info(record.id)
        choice = _choice(record, info) if info is not None else None
        resume = await self._catalog.library.get_resume(record.id)
        await self._session.probes.end(record.id)
        torrent = self._session.fetch(
            record.id,
            self.directory(record.id),
            info=info,
            magnet=record.magnet,
            resume=resume,
            trackers=self._trackers.of(record),
            listed=self._catalog.is_listed(record.id),
            file=choice.layout.file_index if choice else None,
            beside=choice.beside if choice else (),
            bounded=bounded,
            held=True,
        )
        torrent.pace = Pace(_bytes_per_second(record))
        if not self._torrents[record.id].done():
            self._torrents[record.id].set_result(torrent)
        dialling = asyncio.create_task(self._keep_dialling(record.id, torrent))
        # Meanwhile: a connection takes as many round trips as the metadata.
        asking = asyncio.create_task(self._bring_metadata(record.id, torrent))
        announcing = asyncio.create_task(self._announcing.keep(record.id, torrent))
        try:
            await self._take_metadata(record, torrent)
            await moved(torrent)
            await self._unkept.confine(record.id, torrent)
            await self._announcing.first(record.id)
            torrent.wanting.begin()  # a player has placed its playhead by now
            await self._finished[record.id].wait()
        finally:
            await cancel_all(dialling, asking, announcing)
            await self._unkept.release(record.id)
        await self._complete(record.id, torrent)

    async def _bring_metadata(self, video_id: str, torrent: Torrent) -> None:
        if torrent.layout is None:
            info = await self._metadata.of(video_id)
            if info is not None:
                torrent.set_metadata(info)

    async def _take_metadata(self, record: VideoRecord, torrent: Torrent) -> None:
        layout = await torrent.wait_metadata()
        info = torrent.info or b""
        check_layout(record.id, self._catalog.described_size(record.id), info)
        changes = {"torrent": info, "piece_length": layout.piece_length}
        choice = _choice(record, info)
        path = self.directory(record.id) / layout.file_path
        if choice is not None:
            changes |= choice.fields(record.title)
            most = await self._unkept.most_bytes(record, layout.file_size)
            await asyncio.to_thread(check_room, self._directory, most or layout.file_size, path)
        await self._catalog.update(record.id, path=str(path), **changes)
        if choice is not None:
            torrent.wanting.want_beside(choice.beside)
            self._subtitles.collect(record.id, torrent, choice.subtitles)
        self._glances.begin(record.id, torrent)

    async def _keep_dialling(self, video_id: str, torrent: Torrent) -> None:
        lonely, clock = asyncio.Event(), asyncio.get_running_loop().time
        torrent.on_lonely = lonely.set
        pause = FIRST_LOOK_SECONDS
        look_at = clock() + pause
        while True:
            await self._session.dial(video_id, self._catalog.swarm_addresses(video_id))
            lonely.clear()
            if torrent.connected == 0:
                await asyncio.sleep(REDIAL_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(look_at):
                        await lonely.wait()
                        if pause == MORE_HOLDERS_SECONDS:  # all is different after a long time
                            pause, look_at = FIRST_LOOK_SECONDS, clock()
            torrent.update_peers()
            looks = clock() >= look_at  # not whenever it dials: that goes to the whole overlay
            try:
                await self._tell_whether_alone(video_id, torrent)
                if looks:
                    await self._find_holders(video_id)
            except P2PTubeError as error:
                log.warning("trouble while %s is fetched: %s", video_id, error)
            if looks:
                pause = min(2 * pause, MORE_HOLDERS_SECONDS)
                look_at = clock() + pause

    async def _tell_whether_alone(self, video_id: str, torrent: Torrent) -> None:
        detail = NO_HOLDER if torrent.connected == 0 else ""
        record = self._catalog.record(video_id)
        if record is not None and record.detail != detail and not torrent.finished:
            await self._catalog.update(video_id, detail=detail)

    async def _find_holders(self, video_id: str) -> None:
        try:
            async with asyncio.timeout(FIND_SECONDS):
                asked = self._peer.find(video_id), self._trackers.holders(video_id)
                async with contextlib.aclosing(merged(*asked)) as answers:
                    async for found in answers:
                        self._catalog.heard(found)
        except (TimeoutError, P2PTubeError) as error:
            log.debug("no more holders of %s: %s", video_id, error)
        holders = self._catalog.holders(video_id)
        record = self._catalog.record(video_id)
        if record is not None and record.holders != holders:
            await self._catalog.library.set_holders(video_id, holders)

    async def _complete(self, video_id: str, torrent: Torrent) -> None:
        await torrent.flushed()
        layout = await torrent.wait_metadata()
        path = self.directory(video_id) / layout.file_path
        record = self._catalog.record(video_id)
        if record is None:
            return
        log.info("all pieces are here of %s", video_id)
        try:
            digest = await _sha256_of(path)
            stat = await asyncio.to_thread(path.stat)
        except OSError as error:
            raise StorageError(f"cannot read what was fetched: {error.strerror}") from error
        if record.sha256 and digest != record.sha256:
            await self._session.remove(video_id)
            await asyncio.to_thread(shutil.rmtree, self.directory(video_id), ignore_errors=True)
            raise BadSignature("the file is not the one that its publisher described (SHA-256)")
        await self._catalog.update(
            video_id,
            state=VideoState.COMPLETE,
            detail="",
            path=str(path),
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            sha256=digest,
        )
        log.info("fetched %s", video_id)


def _choice(record: VideoRecord, info: bytes) -> Choice | None:
    """Which file of its torrent it is; None for what its publisher described: there is only one.

    Raises InvalidInput where there is nothing to play.
    """
    if record.envelope is not None:
        return None
    return choose(info, record.file_index if record.piece_length else None)


async def _sha256_of(path: Path) -> str:
    """As the one of the swarm; whoever is cancelled leaves no thread at work, which the end of
    the program would wait for.
    """
    over = threading.Event()
    try:
        return await asyncio.to_thread(sha256_of, path, over.is_set)
    finally:
        over.set()


def _bytes_per_second(record: VideoRecord) -> float:
    if record.duration > 0 and record.size > 0:
        return record.size / record.duration
    return record.bit_rate / 8
