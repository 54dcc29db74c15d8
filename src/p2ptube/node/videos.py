"""The videos' verbs: fetch, play, edit, delete. What `Node` offers, apart from its life."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from ..errors import Cancelled, Conflict, NoHolder, NotFound
from ..library import VideoRecord
from ..models import VideoState, Visibility
from ..playback.content import Content
from ..swarm import Session
from . import present
from .attachments import Attachments
from .catalog import Catalog, record_of, remote_of
from .classic import ClassicFetches
from .editing import Editing
from .events import Events
from .fetching import Fetches
from .searching import Search
from .sharing import problem_of
from .streams import Counted, Streams, SwarmContent, complete_content
from .views import Event, SwarmView, VideoView

log = logging.getLogger(__name__)

METADATA_SECONDS = 20.0


class Videos:
    """Every video this node has or has heard of."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        session: Session,
        fetches: Fetches,
        classic: ClassicFetches,
        attachments: Attachments,
        search: Search,
        events: Events,
        editing: Editing,
        data_dir: Path,
    ) -> None:
        self._catalog = catalog
        self._session = session
        self._fetches = fetches
        self._classic = classic
        self._attachments = attachments
        self._search = search
        self._events = events
        self._editing = editing
        self._kept = data_dir / "kept"
        self._videos = data_dir / "videos"
        self._streams = Streams(self._forget_unkept)
        self._background: set[asyncio.Task[None]] = set()

    async def go_on(self, records: list[VideoRecord]) -> None:
        """Go on with what the last run was fetching; delete what was not to be kept."""
        for record in records:
            if not record.keep:
                await self.delete(record.id, delete_file=True)
            elif record.state is VideoState.FETCHING:
                self._fetches.start(record)

    def stop(self) -> None:
        """Start nothing more."""
        self._streams.stop()
        for task in self._background:
            task.cancel()

    # --- look ----------------------------------------------------------------------------------

    def all(self) -> list[VideoView]:
        """Our videos, newest first."""
        return [self._record_view(record) for record in self._catalog.records()]

    def get(self, video_id: str) -> VideoView:
        """A video, ours or heard of. Raises NotFound."""
        video_id = self._classic.outcome(video_id) or video_id
        record = self._catalog.record(video_id)
        if record is not None:
            return self._record_view(record)
        remote = self._catalog.remote(video_id)
        return self._classic.view(remote) if remote.classic else present.remote_view(remote)

    async def search(self, text: str, timeout: float) -> AsyncGenerator[VideoView, None]:
        """Search everywhere; a video comes again when more is known of it."""
        async with aclosing(self._search.run(text, timeout)) as found:
            async for video_id in found:
                try:
                    video = self.get(video_id)
                except NotFound:  # deleted meanwhile
                    continue
                yield video

    def swarm(self, video_id: str) -> SwarmView:
        """The swarm of a video that we fetch or share. Raises NotFound."""
        video_id = self._classic.outcome(video_id) or video_id
        torrent = self._session.get(video_id)
        if torrent is None:
            if self._catalog.record(video_id) is None:
                raise NotFound("this video is not here")
            return present.no_swarm_view(video_id)
        torrent.update_peers()
        return present.swarm_view(torrent)

    async def poster(self, video_id: str) -> bytes | None:
        """The JPEG of a video's poster. Raises NotFound."""
        return await self._attachments.poster(self._classic.outcome(video_id) or video_id)

    async def captions(self, video_id: str, language: str) -> bytes | None:
        """A video's captions in a language, as WebVTT. Raises NotFound."""
        return await self._attachments.captions(
            self._classic.outcome(video_id) or video_id, language
        )

    def changed(self, video_id: str) -> None:
        """Tell open pages how a video stands now."""
        record = self._catalog.record(video_id)
        if record is not None:
            self._events.send(Event(kind="video", data=self._record_view(record)))
            return
        try:
            self._events.send(Event(kind="video", data=self.get(video_id)))
        except NotFound:
            self._events.send(Event(kind="removed", data=video_id))

    def swarm_changed(self, video_id: str) -> None:
        """Tell open pages how the swarm of a video stands now."""
        if not self._events.heard:
            return
        record = self._catalog.record(video_id)
        torrent = self._session.get(video_id)
        if record is not None and torrent is not None:
            if record.state is VideoState.FETCHING:
                self.changed(video_id)
            self._events.send(Event(kind="swarm", data=present.swarm_view(torrent)))

    # --- fetch ---------------------------------------------------------------------------------

    async def fetch(self, video_id: str, *, keep: bool = True) -> VideoView:
        """Fetch a video, or go on with it. Raises NotFound."""
        record = self._catalog.record(self._classic.outcome(video_id) or video_id)
        if record is None:
            return await self._begin(video_id, keep)
        if keep and not record.keep:
            record = await self._catalog.update(record.id, keep=True)
        if record.state is VideoState.ERROR and not record.in_place and not record.mine:
            record = await self._editing.fetch_again(record.id)
        if record.state is VideoState.FETCHING:
            self._fetches.start(record)
        return self._record_view(record)

    async def _begin(self, video_id: str, keep: bool) -> VideoView:
        remote = self._catalog.remote(video_id)
        if remote.classic is not None:
            self._classic.start(remote, remote.classic)
            return self._classic.view(remote)
        path = self._fetches.directory(video_id) / (remote.title or video_id)
        record = record_of(remote, path=str(path), keep=keep, now=time.time())
        await self._catalog.put(record)
        self._fetches.start(record)
        task = asyncio.create_task(self._attachments.keep(video_id))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return self._record_view(record)

    async def stop_fetch(self, video_id: str) -> VideoView:
        """Stop fetching; what is not complete is deleted. Raises NotFound, Conflict."""
        record = self._catalog.record(video_id)
        if record is None:
            remote = self._catalog.remote(video_id)
            self._classic.stop(video_id)
            return self._classic.view(remote) if remote.classic else present.remote_view(remote)
        if record.state is VideoState.COMPLETE or record.in_place or record.mine:
            raise Conflict("the video is not being fetched: delete it to be rid of it")
        self._catalog.learn(remote_of(record))
        await self.delete(video_id, delete_file=True)
        return self.get(video_id)

    # --- play ----------------------------------------------------------------------------------

    async def open(self, video_id: str) -> Content:
        """The video's bytes for a player; a remote one begins to be fetched.

        Raises NotFound, Conflict (a classic peer's file must be fetched first), FileChanged,
        NoHolder when not even its metadata can be had.
        """
        video_id = self._classic.outcome(video_id) or video_id
        record = self._catalog.record(video_id)
        if record is None:
            if self._catalog.remote(video_id).classic is not None:
                raise Conflict("a file of a classic peer plays once it is fetched: fetch it first")
            await self.fetch(video_id)
        return Counted(await self.content(video_id), self._streams, video_id)

    async def content(self, video_id: str) -> Content:
        """The bytes of one of our videos, complete or not."""
        record = self._catalog.record(video_id)
        if record is None:
            raise NotFound("this video is not here")
        if record.state is not VideoState.FETCHING:
            return complete_content(record)
        try:
            async with asyncio.timeout(METADATA_SECONDS):
                torrent = await self._fetches.torrent(video_id)
                layout = await torrent.wait_metadata()
        except TimeoutError:
            raise NoHolder("no holder of the video can be reached at the moment") from None
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise Cancelled("the fetch was stopped") from None
        return SwarmContent(self._catalog.record(video_id) or record, torrent, layout.file_size)

    # --- edit, delete --------------------------------------------------------------------------

    async def update(
        self, video_id: str, *, visibility: Visibility | None = None, **texts: str | None
    ) -> VideoView:
        """Change texts of a video of ours, or who gets it. Raises NotFound, Conflict."""
        record = await self._editing.update(video_id, visibility=visibility, **texts)
        return self._record_view(record)

    async def delete(self, video_id: str, *, delete_file: bool) -> None:
        """Delete a video from the library, and with `delete_file` its file. Raises NotFound."""
        record = self._catalog.record(video_id)
        if record is None:
            raise NotFound("this video is not here")
        await self.withdraw(video_id)
        await self._catalog.delete(video_id)
        await asyncio.to_thread(self._dispose, record, delete_file)

    async def withdraw(self, video_id: str) -> None:
        """Stop fetching and sharing a video, if we do; its record and its file stay."""
        await self._fetches.stop(video_id)
        await self._session.remove(video_id)

    def _dispose(self, record: VideoRecord, delete_file: bool) -> None:
        path, directory = Path(record.path), self._videos / record.id
        if record.in_place:
            # Never a file that was put in its place since.
            if delete_file and not problem_of(record):
                path.unlink(missing_ok=True)
            return
        if record.state is not VideoState.FETCHING and not delete_file and path.exists():
            self._kept.mkdir(exist_ok=True)
            path.rename(free_name(self._kept / path.name))
        shutil.rmtree(directory, ignore_errors=True)

    async def _forget_unkept(self, video_id: str) -> None:
        record = self._catalog.record(video_id)
        if record is not None and not record.keep:
            await self.delete(video_id, delete_file=True)

    def _record_view(self, record: VideoRecord) -> VideoView:
        holders = self._catalog.holders(record.id)
        return present.record_view(record, self._session.get(record.id), holders)


def free_name(path: Path) -> Path:
    """The path itself, or with a number in front of its suffix where it is taken."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem} ({number})")
    return free
