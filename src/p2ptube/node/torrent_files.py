"""Torrents of several files: what is in them, and which of it is the video."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from ..errors import Cancelled, Conflict, InvalidInput, NoHolder, P2PTubeError
from ..library import VideoRecord
from ..media.naming import title_from_name
from ..models import VideoState
from ..swarm import Layout, Session, Torrent, parse_files, parse_info
from ..swarm.files import FileKind, TorrentFile, find_file
from .catalog import Catalog, Remote
from .disk_room import taken
from .metadata import Metadata
from .per_video import PerVideo
from .subtitle_choice import languages_of, subtitles_of
from .views import FileView

METADATA_SECONDS = 20.0
# A torrent may list many thousands; who chooses a video looks at some hundreds at most.
MOST_SHOWN = 1_000
MOST_CACHED_FILES = 50_000


@dataclass(frozen=True)
class Choice:
    """The file of a torrent that is the video, and the subtitles that belong to it."""

    layout: Layout
    subtitles: dict[str, TorrentFile]  # by language
    alone: bool  # it is the only video

    @property
    def beside(self) -> tuple[int, ...]:
        """The indices of the files that are fetched before the video."""
        return tuple(sorted(file.index for file in self.subtitles.values()))

    def fields(self, title: str) -> dict[str, Any]:
        """What a record says of it. `title`: what the torrent is called so far."""
        layout = self.layout
        if not self.alone:
            title = title_from_name(PurePath(layout.file_name))
        elif title in {"", layout.info_hash}:
            title = layout.name
        return {
            "title": title,
            "file_name": layout.file_name,
            "size": layout.file_size,
            "file_index": layout.file_index,
            "piece_length": layout.piece_length,
        }


def choose(info: bytes, wanted: int | None = None) -> Choice:
    """The file with the index `wanted`; where it is None, the largest video.

    Raises InvalidInput where nothing is wanted and there is neither video nor sound.
    """
    files = parse_files(info)
    if wanted is None and not any(file.playable for file in files):
        raise InvalidInput(nothing_to_play(files))
    layout = parse_info(info, wanted)
    video = TorrentFile(layout.file_index, layout.file_path, layout.file_size)
    videos = sum(file.kind is FileKind.VIDEO and file.size > 0 for file in files)
    return Choice(layout, subtitles_of(files, video), alone=videos <= 1)


def nothing_to_play(files: Iterable[TorrentFile]) -> str:
    """Why there is nothing to play, in words."""
    largest = max(files, key=lambda file: file.size, default=None)
    if largest is None or not largest.size:
        return "the torrent is empty"
    return (
        "the torrent holds neither video nor sound, going by the names; its largest file is "
        f"{largest.name[-100:]!r} (choose a file to take it all the same)"
    )


class TorrentFiles:
    """Tells which files the torrents have that are here or were heard of."""

    def __init__(
        self,
        catalog: Catalog,
        session: Session,
        metadata: Metadata,
        directory: Path,
        *,
        fetched: Callable[[str], Awaitable[Torrent]],
        trackers: Callable[[], tuple[str, ...]],
        meets_strangers: bool,
    ) -> None:
        """`fetched` waits for the torrent of a fetch under way; `trackers` are this node's own.

        `directory` has one for each video. `meets_strangers`: whether there are ways but the
        overlay to meet who has a torrent (DHT, local network).
        """
        self._catalog = catalog
        self._session = session
        self._metadata = metadata
        self._directory = directory
        self._fetched = fetched
        self._trackers = trackers
        self._meets_strangers = meets_strangers
        self._known: OrderedDict[str, tuple[TorrentFile, ...]] = OrderedDict()
        self._probing = PerVideo[bytes]()

    async def stop(self) -> None:
        """Look into nothing any more."""
        await self._probing.stop_all()

    async def of(self, video_id: str) -> tuple[TorrentFile, ...]:
        """The files of a torrent, asked of the swarm where nothing is known of it yet.

        Raises NotFound, NoHolder where nobody answers in time.
        """
        known = await self._here(video_id)
        return known or self._remember(video_id, await self.metadata(video_id))

    async def metadata(self, video_id: str) -> bytes:
        """The info dictionary of a torrent. Raises as `of`."""
        info = await self._catalog.info(video_id)
        if info is None:
            try:
                async with asyncio.timeout(METADATA_SECONDS):
                    info = await self._bring(video_id)
            except TimeoutError:
                raise NoHolder("nobody who has this torrent can be reached at the moment") from None
        return info

    async def stranger(self, video_id: str) -> bool:
        """Whether somebody in the swarm of a torrent has it of which nobody told us.

        Then it is in the catalog from now on.
        """
        if not (self._meets_strangers or self._trackers()):
            return False
        try:
            async with asyncio.timeout(METADATA_SECONDS):
                info = await self._probe(Remote(video_id))
        except (TimeoutError, P2PTubeError):
            return False
        self._catalog.learn(Remote(video_id, title=parse_info(info).name, info=info))
        return True

    async def pick(self, video_id: str, wanted: int | str) -> Choice:
        """The file that a user names by its index or its name. Raises InvalidInput, as `of`."""
        files = await self.of(video_id)
        if isinstance(wanted, str):
            file = find_file(files, wanted)
        else:
            there = {file.index: file for file in files}
            if wanted not in there:
                raise InvalidInput(f"there is no such file: the torrent has {len(files)}")
            file = there[wanted]
        if file.kind is FileKind.SUBTITLES or not file.size:
            what = "empty" if not file.size else "a file of subtitles"
            raise InvalidInput(f"{file.name[-100:]!r} is {what}")
        return choose(await self.metadata(video_id), file.index)

    async def shown(self, video_id: str, *, wait: bool = False) -> tuple[FileView, ...]:
        """The files as they are shown; none where they are not known, unless `wait` for them.

        Of very many, those that can be played, and subtitles, are shown first.
        """
        files = await self.of(video_id) if wait else await self._here(video_id)
        record = self._catalog.record(video_id)
        chosen = record.file_index if record is not None and record.piece_length else None
        if len(files) > MOST_SHOWN:
            useful = [file for file in files if file.kind is not FileKind.OTHER]
            files = tuple(useful[:MOST_SHOWN])
        video = next((file for file in files if file.index == chosen), None)
        beside = subtitles_of(files, video).values() if video else ()
        wanted = {chosen, *(file.index for file in beside)}
        languages = languages_of(files)
        here = await asyncio.to_thread(_taken, self._directory / video_id, files) if record else {}
        if record is not None and chosen is not None:
            here[chosen] = self._progress(record)
        return tuple(
            FileView(
                index=file.index,
                path=file.path,
                size=file.size,
                kind=file.kind.value,
                language=languages.get(file.index, ""),
                chosen=file.index in wanted,
                title=title_from_name(PurePath(file.name)),
                progress=here.get(file.index, 0.0),
            )
            for file in files
        )

    def _progress(self, record: VideoRecord) -> float:
        torrent = self._session.get(record.id)
        if record.state is VideoState.COMPLETE:
            return 1.0
        return torrent.progress if torrent is not None else 0.0

    async def _here(self, video_id: str) -> tuple[TorrentFile, ...]:
        if video_id in self._known:
            self._known.move_to_end(video_id)
            return self._known[video_id]
        info = await self._catalog.info(video_id)
        return self._remember(video_id, info) if info is not None else ()

    def _remember(self, video_id: str, info: bytes) -> tuple[TorrentFile, ...]:
        files = self._known[video_id] = parse_files(info)
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MOST_CACHED_FILES:
            self._known.popitem(last=False)
        return files

    async def _bring(self, video_id: str) -> bytes:
        if self._catalog.record(video_id) is not None:
            torrent = await self._fetched(video_id)
            await torrent.wait_metadata()
            return torrent.info or b""
        remote = self._catalog.remote(video_id)
        if remote.classic is not None:
            raise Conflict("a file of a classic peer is no torrent")
        try:
            info = await self._metadata.of(video_id) or await self._probe(remote)
        except Cancelled:
            if self._catalog.record(video_id) is None:
                raise
            return await self._bring(video_id)  # by now it is fetched
        self._catalog.learn(replace(remote, info=info))
        return info

    async def _probe(self, remote: Remote) -> bytes:
        """Look once, whoever wants it; who is cancelled does not end it for the others."""
        while True:
            task = self._probing.get(remote.id)
            if task is None:
                task = self._probing.begin(remote.id, self._look(remote), name="probe")
                task.add_done_callback(lambda done: done.cancelled() or done.exception())
            # The time of who came first may be over before that of who came later.
            with contextlib.suppress(TimeoutError):
                return await asyncio.shield(task)

    async def _look(self, remote: Remote) -> bytes:
        probing = self._session.probes.probe(
            remote.id,
            self._directory / remote.id,
            magnet=remote.magnet,
            trackers=self._trackers(),
            listed=not remote.unlisted,
        )
        async with asyncio.timeout(METADATA_SECONDS), probing as torrent:
            await self._session.dial(remote.id, self._catalog.swarm_addresses(remote.id))
            await torrent.wait_metadata()
            return torrent.info or b""


def _taken(directory: Path, files: Iterable[TorrentFile]) -> dict[int, float]:
    """How much of the files is in a torrent's directory, 0..1, by index, going by the space taken.

    They are sparse as long as they are not complete. Nothing is told where the system does not say
    how much space a file takes.
    """
    found = {}
    for file in files:
        with contextlib.suppress(OSError, ValueError):
            space = taken(directory / file.path)
            if space and file.size:
                found[file.index] = min(1.0, space / file.size)
    return found
