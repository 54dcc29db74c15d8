"""The node, as the web layer knows it. Its verbs are the tour of the program.

add ──► publish ──► announce          search ──► fetch ──► play
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from .. import __version__
from ..errors import InvalidInput
from ..media.jobs import JobControl, Work
from ..models import Visibility
from ..playback.content import Content
from . import present
from .assembly import Assembly
from .peer_records import view_of
from .resolving import download, is_torrent_url
from .searching import kind_of_target
from .views import (
    Event,
    FileView,
    JobView,
    NodeView,
    PeerGraphView,
    PeerView,
    SettingsView,
    SwarmView,
    TrackerView,
    VideoView,
)


class Node(Assembly):
    """One node over one data directory. All methods run on the event loop's thread."""

    # --- about itself --------------------------------------------------------------------------

    def view(self) -> NodeView:
        """The node itself."""
        torrents = self._session.torrents()
        windows = {t.info_hash: t.window for t in torrents if t.window}
        ours = (r for r in self._catalog.records() if not r.in_place)
        used = sum(windows.get(record.id, record.size) for record in ours)
        upload_limit, download_limit = self._limit_times.now
        return NodeView(
            peer_id=str(self._peer.address),
            name=self.config.name,
            key=self._identity.public_key.hex(),
            version=__version__,
            ports=self._ports(),
            public_url=self.public_origin(),
            data_dir=str(self.config.data_dir),
            uptime=time.monotonic() - self._started_at,
            peers=len(self._peer.peers()),
            videos=len(self._catalog.records()),
            storage_used=used,
            storage_free=shutil.disk_usage(self.config.data_dir).free,
            download_rate=sum(t.status.download_payload_rate for t in torrents if t.status),
            upload_rate=sum(t.status.upload_payload_rate for t in torrents if t.status),
            download_limit=download_limit,
            upload_limit=upload_limit,
            yielding_limit=self._session.rates.automatic_limit,
            uplink_delay=self._session.rates.queueing_delay,
        )

    def settings(self) -> SettingsView:
        """What the user can set."""
        return self._preferences.view()

    async def change_settings(self, changes: Mapping[str, Any]) -> SettingsView:
        """Change settings, for good. Raises InvalidInput, Conflict, StorageError."""
        return await self._preferences.change(changes)

    def trackers(self) -> list[TrackerView]:
        """How each tracker stands."""
        return self._trackers.views()

    # --- peers ---------------------------------------------------------------------------------

    def peers(self) -> list[PeerView]:
        """The known peers."""
        return [view_of(peer) for peer in self._peer.peers()]

    async def peer_graph(self) -> PeerGraphView:
        """Who knows whom: ourselves, the known peers, and whom they name when asked."""
        return await self._graph.view()

    async def add_peer(self, address: str) -> PeerView:
        """Join a peer. Raises InvalidInput, PeerUnreachable, PeerRefused, Conflict."""
        return view_of(await self._acquaintances.add(address))

    async def remove_peer(self, peer_id: str) -> None:
        """Forget a peer, and tell it. Raises NotFound."""
        await self._peer.remove(peer_id)

    async def refresh_peers(self) -> list[PeerView]:
        """Ask all peers whether they are alive, and drop those that are not."""
        return [view_of(peer) for peer in await self._peer.refresh()]

    async def rebuild_peers(self, address: str | None, hops: int | None = None) -> list[PeerView]:
        """Forget all peers and build the list anew, from `address` or from the known ones."""
        found = await self._acquaintances.rebuild(address, hops)
        return [view_of(peer) for peer in found]

    # --- add, publish --------------------------------------------------------------------------

    async def add_path(
        self, path: Path, title: str | None = None, visibility: Visibility = Visibility.PUBLIC
    ) -> JobView:
        """Add a file of the user's. Raises NotFound, InvalidInput."""
        return present.job_view(await self._publisher.add_path(path, title, visibility))

    async def add_upload(
        self,
        file_name: str,
        chunks: AsyncIterator[bytes],
        title: str | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> JobView:
        """Add what a client sends. Raises InvalidInput, StorageError."""
        job = await self._publisher.add_upload(file_name, chunks, title, visibility)
        return present.job_view(job)

    async def add_url(self, url: str, visibility: Visibility = Visibility.PUBLIC) -> JobView:
        """Add a video of the web, or fetch a magnet link or torrent. Raises InvalidInput."""
        kind = kind_of_target(url)
        if kind == "magnet" or (kind == "url" and is_torrent_url(url)):
            if visibility is not Visibility.PUBLIC:
                raise InvalidInput(
                    "a torrent is fetched from others, and shared meanwhile: "
                    "choose who may see it once it is complete"
                )
            return present.job_view(self._jobs.submit("fetch", url[:200], self._fetch_job(url)))
        if kind != "url":
            raise InvalidInput("not a URL: it should begin with http://, https:// or magnet:?")
        job = self._publisher.add_download(
            url[:200],
            lambda directory, control: download(url, directory, control, proxy=self.config.proxy),
            visibility,
        )
        return present.job_view(job)

    def jobs(self) -> list[JobView]:
        """All jobs."""
        return [present.job_view(job) for job in self._jobs.all()]

    def job(self, job_id: str) -> JobView:
        """A job. Raises NotFound."""
        return present.job_view(self._jobs.get(job_id))

    async def cancel_job(self, job_id: str) -> JobView:
        """Cancel a job; nothing of it is left. Raises NotFound, Conflict."""
        self._jobs.cancel(job_id)
        return present.job_view(await self._jobs.wait(job_id))

    # --- search, fetch, play -------------------------------------------------------------------

    async def search(self, text: str, timeout: float) -> AsyncGenerator[VideoView, None]:
        """Search everywhere for at most `timeout` seconds; results as they arrive.

        An empty text finds everything.
        """
        async with contextlib.aclosing(self._videos.search(text, timeout)) as results:
            async for video in results:
                yield video

    async def resolve(self, target: str) -> VideoView:
        """From an id, magnet link, or torrent to its video. Raises InvalidInput, NotFound."""
        await self._acquaintances.settle()
        return self._videos.get(await self._resolver.resolve(target))

    async def fetch(
        self, video_id: str, *, keep: bool | None = None, file: int | str | None = None
    ) -> VideoView:
        """Fetch a video, or go on with it, kept or not; `file` names one of its torrent.

        Raises NotFound, StorageError, InvalidInput, NoHolder.
        """
        return await self._videos.fetch(video_id, keep=keep, file=file)

    async def stop_fetch(self, video_id: str) -> VideoView:
        """Stop fetching; the part is deleted. Raises NotFound, Conflict."""
        return await self._videos.stop_fetch(video_id)

    async def prefetch(self, video_id: str) -> bool:
        """Fetch the head of a video that is likely to be opened; whether that is done.

        Asked for again, it goes on for a while. Raises NotFound.
        """
        return await self._prefetches.begin(video_id)

    async def cancel_prefetch(self, video_id: str) -> None:
        """It is not likely any more: nothing of it is left, unless it is fetched by now."""
        await self._prefetches.cancel(video_id)

    async def open_stream(self, video_id: str) -> Content:
        """The bytes of a video for a player; a remote one begins to be fetched."""
        return await self._videos.open(video_id)

    # --- videos --------------------------------------------------------------------------------

    def videos(self) -> list[VideoView]:
        """Our videos, newest first."""
        return self._videos.all()

    async def video(self, video_id: str) -> VideoView:
        """A video, ours or heard of, with the files of its torrent. Raises NotFound."""
        view = self._videos.get(video_id)
        return msgspec.structs.replace(view, files=await self._videos.files.shown(view.id))

    async def files(self, video_id: str) -> tuple[FileView, ...]:
        """The files of a torrent, asked of the swarm if need be. Raises NotFound, NoHolder."""
        return await self._videos.files.shown(self._videos.get(video_id).id, wait=True)

    async def update_video(
        self, video_id: str, *, visibility: Visibility | None = None, **texts: str | None
    ) -> VideoView:
        """Change the title, description or language of a video of ours, or who may get one.

        None stays as it is. Raises NotFound, Conflict, InvalidInput.
        """
        return await self._videos.update(video_id, visibility=visibility, **texts)

    async def delete_video(self, video_id: str, *, delete_file: bool) -> None:
        """Delete a video, and with `delete_file` its file. Raises NotFound."""
        await self._videos.delete(video_id, delete_file=delete_file)

    def swarm(self, video_id: str) -> SwarmView:
        """The swarm of a video. Raises NotFound."""
        return self._videos.swarm(video_id)

    async def poster(self, video_id: str) -> bytes | None:
        """The JPEG of a video's poster, None without one. Raises NotFound."""
        return await self._videos.poster(video_id)

    async def captions(self, video_id: str, language: str) -> bytes | None:
        """A video's captions in a language, as WebVTT, None without any. Raises NotFound."""
        return await self._videos.captions(video_id, language)

    def events(self) -> AsyncGenerator[Event, None]:
        """Changes from now on, until the node stops."""
        return self._events.listen()

    # --- inside --------------------------------------------------------------------------------

    def _fetch_job(self, target: str) -> Work:
        async def work(_: JobControl) -> str:
            video = await self.resolve(target)
            await self.fetch(video.id, keep=True)
            return video.id

        return work
