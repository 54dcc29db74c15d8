"""Fetch: from a remote video to a complete file, whatever happens to its holders meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from pathlib import Path

from ..errors import BadSignature, Cancelled, P2PTubeError, ProtocolViolation, StorageError
from ..library import VideoRecord
from ..models import Holder, PeerAddress, VideoState
from ..overlay.peer import Peer
from ..swarm import Session, Torrent, parse_info
from ..swarm.publish import sha256_of
from .catalog import Catalog
from .merging import merged
from .trackers import Trackers

log = logging.getLogger(__name__)

REDIAL_SECONDS = 2.0
MORE_HOLDERS_SECONDS = 15.0
FIND_SECONDS = 5.0
SPARE_BYTES = 64 * 1024 * 1024
NO_HOLDER = "no holder reachable"


class Fetches:
    """The fetches under way, a task each."""

    def __init__(
        self,
        session: Session,
        peer: Peer,
        catalog: Catalog,
        directory: Path,
        trackers: Trackers,
    ) -> None:
        self._session = session
        self._trackers = trackers
        self._peer = peer
        self._catalog = catalog
        self._directory = directory
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._torrents: dict[str, asyncio.Future[Torrent]] = {}
        self._finished: dict[str, asyncio.Event] = {}

    def directory(self, video_id: str) -> Path:
        """Where a video's files go."""
        return self._directory / video_id

    def start(self, record: VideoRecord) -> None:
        """Begin, or go on with, the fetch of a recorded video; nothing if it is under way."""
        if record.id not in self._tasks:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[Torrent] = loop.create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._torrents[record.id] = future
            self._finished[record.id] = asyncio.Event()
            task = loop.create_task(self._run(record), name=f"fetch {record.id}")
            self._tasks[record.id] = task
            task.add_done_callback(lambda _: self._forget(record.id, task))

    async def stop(self, video_id: str) -> None:
        """Stop a fetch; what it brought so far stays on the disk."""
        task = self._tasks.get(video_id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._session.remove(video_id, Cancelled("the fetch was stopped"))

    async def stop_all(self) -> None:
        """Stop the tasks; the torrents stay in the session, which saves where they are."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

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
        """The session cannot go on: usually the disk."""
        task = self._tasks.get(info_hash)
        if task is not None:
            task.cancel(f"cannot write to the disk: {reason}")

    # --- one fetch -----------------------------------------------------------------------------

    def _forget(self, video_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(video_id) is task:
            del self._tasks[video_id]
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
        if self._catalog.record(video_id) is not None:
            await self._catalog.update(video_id, state=VideoState.ERROR, detail=reason)

    async def _fetch(self, record: VideoRecord) -> None:
        info = record.torrent or await self._metadata(record)
        await asyncio.to_thread(_check_room, self._directory, record.size)
        torrent = self._session.fetch(
            record.id,
            self.directory(record.id),
            info=info,
            magnet=record.magnet,
            resume=await self._catalog.library.get_resume(record.id),
            trackers=self._trackers.of(record),
            listed=self._catalog.is_listed(record.id),
        )
        torrent.bytes_per_second = _bytes_per_second(record)
        if not self._torrents[record.id].done():
            self._torrents[record.id].set_result(torrent)
        dialling = asyncio.create_task(self._keep_dialling(record.id, torrent))
        try:
            await self._take_metadata(record, torrent)
            await self._finished[record.id].wait()
        finally:
            dialling.cancel()
            await asyncio.gather(dialling, return_exceptions=True)
        await self._complete(record.id, torrent)

    async def _metadata(self, record: VideoRecord) -> bytes | None:
        """Ask the holders for the torrent's metadata; None if none of them answers.

        Then it comes from the swarm (BEP 9).
        """
        asked = [
            asyncio.create_task(self._ask_metadata(record, holder))
            for holder in self._catalog.holders(record.id)[:8]
        ]
        try:
            for answer in asyncio.as_completed(asked):
                info = await answer
                if info is not None:
                    await self._catalog.update(record.id, torrent=info)
                    return info
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return None

    async def _ask_metadata(self, record: VideoRecord, holder: Holder) -> bytes | None:
        try:
            info = await self._peer.fetch_metadata(PeerAddress.parse(holder.peer), record.id)
            _check_layout(record, info)
        except P2PTubeError as error:
            log.info("no metadata of %s from %s: %s", record.id, holder.peer, error)
            return None
        return info

    async def _take_metadata(self, record: VideoRecord, torrent: Torrent) -> None:
        layout = await torrent.wait_metadata()
        info = torrent.info or b""
        _check_layout(record, info)
        changes = {"torrent": info, "piece_length": layout.piece_length}
        if record.envelope is None:
            name = layout.file_name
            changes |= {"file_name": name, "size": layout.file_size}
            changes |= {"title": record.title or name, "file_index": layout.file_index}
            await asyncio.to_thread(_check_room, self._directory, layout.file_size)
        path = self.directory(record.id) / layout.file_path
        await self._catalog.update(record.id, path=str(path), **changes)

    async def _keep_dialling(self, video_id: str, torrent: Torrent) -> None:
        lonely = asyncio.Event()

        torrent.on_lonely = lonely.set
        while True:
            await self._session.dial(video_id, self._swarm_addresses(video_id))
            alone = torrent.connected == 0
            lonely.clear()
            if alone:
                await asyncio.sleep(REDIAL_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(MORE_HOLDERS_SECONDS):
                        await lonely.wait()
            torrent.update_peers()
            await self._tell_whether_alone(video_id, torrent)
            await self._find_holders(video_id)

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

    def _swarm_addresses(self, video_id: str) -> list[PeerAddress]:
        result = []
        for holder in self._catalog.holders(video_id):
            for text in holder.swarm:
                with contextlib.suppress(P2PTubeError):
                    result.append(PeerAddress.parse(text))
        return result

    async def _complete(self, video_id: str, torrent: Torrent) -> None:
        await torrent.flushed()
        layout = await torrent.wait_metadata()
        path = self.directory(video_id) / layout.file_path
        record = self._catalog.record(video_id)
        if record is None:
            return
        try:
            digest = await asyncio.to_thread(sha256_of, path)
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


def _check_layout(record: VideoRecord, info: bytes) -> None:
    """What the publisher signed and what the torrent says must be the same file."""
    layout = parse_info(info)
    if layout.info_hash != record.id:
        raise BadSignature("the metadata is that of another torrent")
    if record.envelope is not None and (layout.file_size, layout.files) != (record.size, 1):
        raise ProtocolViolation("the descriptor does not match the torrent")


def _check_room(directory: Path, size: int) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise StorageError(f"cannot use {directory}: {error.strerror}") from error
    if free < size + SPARE_BYTES:
        raise StorageError(f"the disk is full: {size:,} bytes needed, {free:,} free")


def _bytes_per_second(record: VideoRecord) -> float:
    if record.duration > 0 and record.size > 0:
        return record.size / record.duration
    return record.bit_rate / 8
