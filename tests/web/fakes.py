"""A node without a network: what the web layer and the command line are tested against."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from p2ptube.errors import Conflict, InvalidInput, NoHolder, NotFound
from p2ptube.models import Holder, PeerAddress, VideoState, Visibility
from p2ptube.node import Node
from p2ptube.node.views import (
    Event,
    FileView,
    GraphNode,
    JobView,
    NodeView,
    PeerGraphView,
    PeerView,
    Ports,
    PublisherView,
    SettingsView,
    SwarmView,
    TrackerView,
    VideoView,
)
from p2ptube.playback.content import FileContent

TOKEN = "secret-token-of-the-test"
VIDEO_ID = "a" * 40
REMOTE_ID = "b" * 40


def a_video(video_id: str = VIDEO_ID, title: str = "A clip", **changes: object) -> VideoView:
    video = VideoView(
        id=video_id,
        title=title,
        file_name="clip.mp4",
        duration=12.5,
        size=1000,
        width=320,
        height=240,
        state=VideoState.COMPLETE,
        progress=1.0,
        publisher=PublisherView(name="Ada"),
        magnet=f"magnet:?xt=urn:btih:{video_id}",
    )
    return msgspec.structs.replace(video, **changes)


@dataclass
class FakeNode:
    """Holds what it is told, and tells it again."""

    directory: Path
    token: str = TOKEN
    known: dict[str, VideoView] = field(default_factory=dict)
    found: list[VideoView] = field(default_factory=list)
    work: dict[str, JobView] = field(default_factory=dict)
    peer_list: dict[str, PeerView] = field(default_factory=dict)
    ports: Ports = field(default_factory=lambda: Ports(overlay=1, swarm=2))
    uploads: dict[str, str] = field(default_factory=dict)  # file name -> SHA-256
    preferences: dict[str, object] = field(default_factory=lambda: {"name": "fake", "port": 1})
    restart: set[str] = field(default_factory=set)
    largest_chunk: int = 0
    crash: Exception | None = None
    searching: int = 0
    search_ended: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: set[asyncio.Queue[Event]] = field(default_factory=set)
    manual_fetch: bool = False  # fetches stay at 50% until stopped

    def view(self) -> NodeView:
        if self.crash is not None:
            raise self.crash
        return NodeView(
            peer_id="127.0.0.1:1",
            name="fake",
            key="00",
            version="0",
            ports=self.ports,
            data_dir=str(self.directory),
            uptime=1.0,
            peers=len(self.peer_list),
            videos=len(self.known),
            storage_used=0,
            storage_free=10**9,
            download_rate=0,
            upload_rate=0,
        )

    def settings(self) -> SettingsView:
        return SettingsView(
            settings=self.preferences, restart=tuple(sorted(self.restart)), fixed=("dht",)
        )

    async def change_settings(self, changes: Mapping[str, object]) -> SettingsView:
        for name, value in changes.items():
            if name not in self.preferences:
                raise InvalidInput(f"setting {name}: there is none")
            self.preferences[name] = value
            if name != "name":
                self.restart.add(name)
        return self.settings()

    async def peer_graph(self) -> PeerGraphView:
        own = GraphNode(id="127.0.0.1:1", name="fake", kind="self", videos=len(self.known))
        others = [
            GraphNode(id=peer.id, name=peer.name, kind=peer.kind, videos=0) for peer in self.peers()
        ]
        links = tuple((own.id, other.id) for other in others)
        return PeerGraphView(nodes=(own, *others), links=links)

    def trackers(self) -> list[TrackerView]:
        return [TrackerView(url="http://t.example/announce", state="working", index=True)]

    def peers(self) -> list[PeerView]:
        return list(self.peer_list.values())

    async def add_peer(self, address: str) -> PeerView:
        parsed = PeerAddress.parse(address)
        peer = PeerView(id=address, host=parsed.host, port=parsed.port, kind="p2ptube")
        if address in self.peer_list:
            raise Conflict(f"{address} is known already")
        self.peer_list[address] = peer
        self.publish(Event(kind="peers", data=tuple(self.peers())))
        return peer

    async def remove_peer(self, peer_id: str) -> None:
        if self.peer_list.pop(peer_id, None) is None:
            raise NotFound(f"no peer {peer_id}")

    async def refresh_peers(self) -> list[PeerView]:
        return self.peers()

    async def rebuild_peers(self, address: str | None, hops: int | None = None) -> list[PeerView]:
        if address is not None and address not in self.peer_list:
            await self.add_peer(address)
        return self.peers()

    def videos(self) -> list[VideoView]:
        return list(self.known.values())

    async def video(self, video_id: str) -> VideoView:
        for video in [*self.known.values(), *self.found]:
            if video.id == video_id:
                return video
        raise NotFound(f"no video {video_id}")

    async def add_path(
        self, path: Path, title: str | None = None, visibility: Visibility = Visibility.PUBLIC
    ) -> JobView:
        if not path.is_file():
            raise NotFound(f"{path} is not a file")
        if path.read_bytes() == b"slow":
            return self._job(path.name, "running")
        return self._added(path.name, title or path.stem, visibility)

    async def add_upload(
        self,
        file_name: str,
        chunks: AsyncGenerator[bytes, None],
        title: str | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> JobView:
        digest = hashlib.sha256()
        async for chunk in chunks:
            self.largest_chunk = max(self.largest_chunk, len(chunk))
            digest.update(chunk)
        self.uploads[file_name] = digest.hexdigest()
        return self._added(file_name, title or file_name, visibility)

    async def add_url(self, url: str, visibility: Visibility = Visibility.PUBLIC) -> JobView:
        if "bad" in url:
            raise InvalidInput("not a video")
        return self._added(url, "From afar", visibility)

    def _added(self, label: str, title: str, visibility: Visibility) -> JobView:
        video_id = hashlib.sha1(label.encode()).hexdigest()
        self.known[video_id] = a_video(video_id, title, visibility=visibility)
        return self._job(label, "done", video_id)

    def _job(self, label: str, state: str, video: str | None = None) -> JobView:
        job = JobView(id=str(len(self.work)), kind="add", label=label, state=state, video=video)
        self.work[job.id] = job
        self.publish(Event(kind="job", data=job))
        return job

    async def update_video(
        self, video_id: str, *, visibility: Visibility | None = None, **texts: str | None
    ) -> VideoView:
        given = {"visibility": visibility, **texts}
        changes = {name: value for name, value in given.items() if value is not None}
        changed = msgspec.structs.replace(await self.video(video_id), **changes)
        self.known[video_id] = changed
        return changed

    async def delete_video(self, video_id: str, *, delete_file: bool) -> None:
        if self.known.pop(video_id, None) is None:
            raise NotFound(f"no video {video_id}")
        self.publish(Event(kind="removed", data=video_id))

    def jobs(self) -> list[JobView]:
        return list(self.work.values())

    def job(self, job_id: str) -> JobView:
        if job_id not in self.work:
            raise NotFound(f"no job {job_id}")
        return self.work[job_id]

    async def cancel_job(self, job_id: str) -> JobView:
        self.work[job_id] = msgspec.structs.replace(self.job(job_id), state="cancelled")
        return self.work[job_id]

    async def search(self, text: str, timeout: float) -> AsyncGenerator[VideoView, None]:
        self.searching += 1
        try:
            here = () if text else self.known.values()
            for video in [*here, *self.found]:
                if text in video.title:
                    yield video
                    more = (*video.holders, Holder(peer="127.0.0.1:9"))
                    yield msgspec.structs.replace(video, holders=more)
            if text == "forever":
                await asyncio.Event().wait()
        finally:
            self.searching -= 1
            self.search_ended.set()

    async def resolve(self, target: str) -> VideoView:
        return await self.video(target)

    async def files(self, video_id: str) -> tuple[FileView, ...]:
        video = await self.video(video_id)
        named = FileView(index=0, path=video.file_name, size=video.size, kind="video")
        return video.files or (named,)

    async def fetch(
        self, video_id: str, *, keep: bool | None = None, file: int | str | None = None
    ) -> VideoView:
        video = await self.video(video_id)
        if not video.holders:
            raise NoHolder("nobody has it")
        self.known[video_id] = msgspec.structs.replace(
            video, state=VideoState.FETCHING, progress=0.5, keep=keep is not False
        )
        if not self.manual_fetch:
            asyncio.get_running_loop().call_later(0.05, self.complete, video_id)
        return self.known[video_id]

    def complete(self, video_id: str) -> None:
        video = self.known[video_id]
        path = self.directory / "fetched.mp4"
        path.write_bytes(b"v" * video.size)
        self.known[video_id] = msgspec.structs.replace(
            video, state=VideoState.COMPLETE, progress=1.0, path=str(path)
        )
        self.publish(Event(kind="video", data=self.known[video_id]))

    async def stop_fetch(self, video_id: str) -> VideoView:
        video = await self.video(video_id)
        self.known[video_id] = msgspec.structs.replace(video, state=VideoState.REMOTE)
        return self.known[video_id]

    def swarm(self, video_id: str) -> SwarmView:
        return SwarmView(
            id=video_id,
            piece_length=16384,
            pieces="1",
            playheads=(),
            download_rate=0,
            upload_rate=0,
            downloaded=0,
            uploaded=0,
            peers=(),
            available="1",
            sources=(-1,),
        )

    def publish(self, event: Event) -> None:
        for queue in self.listeners:
            queue.put_nowait(event)

    async def events(self) -> AsyncGenerator[Event, None]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.listeners.discard(queue)

    async def open_stream(self, video_id: str) -> FileContent:
        video = await self.video(video_id)
        path = self.directory / video.file_name
        path.write_bytes(bytes(range(256)) * 4)
        facts = path.stat()
        return FileContent(
            path,
            facts.st_size,
            facts.st_mtime_ns,
            etag=f'"{video_id}"',
            media_type="video/mp4",
            file_name=video.file_name,
        )

    async def poster(self, video_id: str) -> bytes | None:
        return b"\xff\xd8jpeg" if video_id == VIDEO_ID else None

    async def captions(self, video_id: str, language: str) -> bytes | None:
        return b"WEBVTT\n" if (video_id, language) == (VIDEO_ID, "en") else None

    def as_node(self) -> Node:
        return cast(Node, self)
