"""The videos' verbs: fetch, play, edit, delete. What `Node` offers, apart from its life."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import msgspec

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
from .incoming import entry_of
from .searching import Search
from .sharing import problem_of
from .streams import Counted, Streams, SwarmContent, complete_content
from .switching import Switching
from .torrent_files import Choice, TorrentFiles, choose
from .unkept import Unkept
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
        unkept: Unkept,
        files: TorrentFiles,
        data_dir: Path,
        keep_usually: Callable[[], bool],
    ) -> None:
        """`keep_usually` tells whether a video is kept where nobody says it."""
        self._catalog = catalog
        self._session = session
        self._fetches = fetches
        self._classic = classic
        self._attachments = attachments
        self._search = search
        self._events = events
        self._editing = editing
        self._unkept = unkept
        self.files = files
        self._switching = Switching(catalog, session, self.withdraw, data_dir / "videos")
        self._keep_usually = keep_usually
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
        if remote.classic:
            return self._classic.view(remote)
        keep = self._unkept.keeps(video_id, self._keep_usually())
        return present.remote_view(remote, keep=keep)

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
        self._catalog.own(video_id)  # else a torrent may be here to be looked into, or ahead
        torrent = self._session.get(video_id)
        if torrent is None:
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

    async def fetch(
        self, video_id: str, *, keep: bool | None = None, file: int | str | None = None
    ) -> VideoView:
        """Fetch a video, or go on with it. Raises NotFound, StorageError, InvalidInput.

        `file` names one of its torrent, by its index or its name; None leaves the one that was
        chosen, and begins with the largest video. Raises NoHolder where one is named and it cannot
        be found out which there are.

        `keep` changes whether one that is being fetched is kept; None leaves it, and a new one is
        kept as usual. What is here as a whole to be kept is kept until it is deleted; what is not
        kept goes a while after this where nobody plays it.
        """
        video_id = self._classic.outcome(video_id) or video_id
        with self._streams.using(video_id):
            choice = await self.files.pick(video_id, file) if file is not None else None
            record = self._catalog.record(video_id)
            if record is None:
                return await self._begin(video_id, keep, choice)
            return await self._go_on(record, keep, choice)

    async def _go_on(
        self, record: VideoRecord, keep: bool | None, choice: Choice | None
    ) -> VideoView:
        if choice is not None:
            record = await self._switching.to(record, choice)
        if keep is not None and keep is not record.keep:
            record = await self._set_keep(record, keep)
        if record.state is VideoState.ERROR and not record.in_place and not record.mine:
            record = await self._editing.fetch_again(record.id)
        if record.state is VideoState.FETCHING:
            self._fetches.start(record)
        return self._record_view(record)

    async def _set_keep(self, record: VideoRecord, keep: bool) -> VideoRecord:
        if keep:
            await self._unkept.keep(record)
        elif record.state is not VideoState.FETCHING or record.mine or record.in_place:
            return record
        record = await self._catalog.update(record.id, keep=keep)
        torrent = self._session.get(record.id)
        if not keep and torrent is not None and torrent.layout is not None:
            await self._unkept.confine(record.id, torrent)
            if torrent.finished:  # by then all of it was here, and only its state did not say so
                return await self._catalog.update(record.id, keep=True)
        return record

    async def _begin(self, video_id: str, keep: bool | None, choice: Choice | None) -> VideoView:
        remote = self._catalog.remote(video_id)
        if remote.classic is not None:
            self._classic.start(remote, remote.classic)
            return self._classic.view(remote)
        if keep is None:
            keep = self._unkept.keeps(video_id, self._keep_usually())
        # Until its torrent tells where its file is. Never by its title, which a stranger chose.
        path = self._fetches.directory(video_id) / video_id
        record = record_of(remote, path=str(path), keep=keep, now=time.time())
        if record.envelope is None and remote.info is not None:
            choice = choice or choose(remote.info)
            record = msgspec.structs.replace(record, **choice.fields(record.title))
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
            self._catalog.remote(video_id)  # raises where nobody has it
            self._classic.stop(video_id)
            return self.get(video_id)
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
        with self._streams.using(video_id):
            if self._catalog.record(video_id) is None:
                if self._catalog.remote(video_id).classic is not None:
                    raise Conflict("a classic peer's file plays once it is fetched: fetch it first")
                await self.fetch(video_id)
            return Counted(await self.content(video_id), self._streams, video_id)

    async def shared_content(self, video_id: str) -> Content:
        """The bytes of one of our videos for others. Raises NotFound where only a part is here.

        What others read would move the window away from where the user is.
        """
        torrent = self._session.get(video_id)
        if torrent is not None and torrent.window:
            raise NotFound("only a part of this video is here: it is played, and not kept")
        return await self.content(video_id)

    async def content(self, video_id: str) -> Content:
        """The bytes of one of our videos, complete or not."""
        record = self._catalog.own(video_id)
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
        # The record of what nobody described says it a moment later only.
        name = record.file_name if record.envelope is not None else layout.file_name
        return SwarmContent(torrent, layout, name)

    # --- edit, delete --------------------------------------------------------------------------

    async def update(
        self, video_id: str, *, visibility: Visibility | None = None, **texts: str | None
    ) -> VideoView:
        """Change texts of a video of ours, or who gets it. Raises NotFound, Conflict."""
        record = await self._editing.update(video_id, visibility=visibility, **texts)
        return self._record_view(record)

    async def delete(self, video_id: str, *, delete_file: bool) -> None:
        """Delete a video from the library, and with `delete_file` its file. Raises NotFound."""
        record = self._catalog.own(video_id)
        await self.withdraw(video_id)
        await self._catalog.delete(video_id)
        await asyncio.to_thread(self._dispose, record, delete_file)

    async def withdraw(self, video_id: str) -> None:
        """Stop fetching and sharing a video, if we do; its record and its file stay."""
        await self._fetches.stop(video_id)
        await self._session.remove(video_id)

    def _dispose(self, record: VideoRecord, delete_file: bool) -> None:
        directory = self._videos / record.id
        if record.in_place:
            # Never a file that was put in its place since.
            if delete_file and not problem_of(record):
                Path(record.path).unlink(missing_ok=True)
            return
        # Of a torrent of several files its folder: there may be subtitles, other episodes. Nothing
        # else, whatever the record says: its path may be of an older version, and a stranger's.
        whole = entry_of(Path(record.path), directory)
        # A part of a video is of no use to anybody: it goes, as the page says.
        was_complete = record.state is not VideoState.FETCHING and record.mtime_ns > 0
        if was_complete and not delete_file and whole is not None:
            self._kept.mkdir(exist_ok=True)
            whole.rename(free_name(self._kept / whole.name))
        shutil.rmtree(directory, ignore_errors=True)

    async def _forget_unkept(self, video_id: str) -> None:
        record = self._catalog.record(video_id)
        if record is not None and not record.keep:
            self._catalog.learn(remote_of(record))
            self._unkept.remember(video_id)
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
