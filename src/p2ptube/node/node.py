"""The node: puts the parts together. Its verbs are the tour of the program.

add ──► publish ──► announce          search ──► fetch ──► play
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..config import Config
from ..errors import InvalidInput
from ..identity import Identity
from ..library import DataLock, Library
from ..media.jobs import Job, JobControl, Jobs, Work
from ..models import Holder, PeerAddress, VideoState
from ..overlay.peer import Peer
from ..overlay.settings import PeerSettings
from ..playback.content import Content
from ..swarm import Session, SwarmSettings
from . import present
from .acquaintances import Acquaintances
from .advert import write_node_json
from .catalog import Catalog
from .classic import ClassicFetches
from .events import Events
from .fetching import Fetches
from .graph import Graph
from .offering import Offering
from .posters import Posters
from .preferences import Preferences
from .publishing import Publisher
from .resolving import Resolver, download, is_torrent_url
from .searching import Search, kind_of_target
from .sharing import Sharing
from .tracking import Tracker
from .videos import Videos
from .views import (
    Event,
    JobView,
    NodeView,
    PeerGraphView,
    PeerView,
    Ports,
    SettingsView,
    SwarmView,
    VideoView,
)

log = logging.getLogger(__name__)

TOKEN_SETTING = "api-token"  # noqa: S105  the name of a setting


class Node:
    """One node over one data directory. All methods run on the event loop's thread."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.token = ""
        self._web_port: int | None = None
        self._public_port: int | None = None
        self._started_at = time.monotonic()
        self._cleanup = contextlib.AsyncExitStack()
        self._events = Events()
        self._jobs = Jobs(on_change=self._job_changed)
        self._saving: set[asyncio.Future[None]] = set()
        self._tracker = Tracker()
        self._preferences = Preferences(config, self._settle_for)

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything but the web servers. Raises StorageError, Conflict, InvalidInput."""
        config, stack = self.config, self._cleanup
        stack.callback(DataLock.acquire(config.data_dir).release)
        library = await Library.open(config.data_dir / "library.sqlite")
        stack.push_async_callback(library.close)
        identity = Identity.load_or_create(config.data_dir / "identity.key")
        self.token = await _token(library)
        self._catalog = Catalog(library)
        records = await self._catalog.load()
        session = self._session = await self._start_session()
        peer = await self._start_overlay(library, identity)
        self._compose(session, peer, identity)
        for record in records:
            if record.state is VideoState.COMPLETE and record.torrent is not None:
                self._sharing.seed(record, record.torrent)
        await self._videos.go_on(records)
        await self._publisher.clean_up()
        watching = asyncio.create_task(self._sharing.watch())
        stack.callback(watching.cancel)
        await self._acquaintances.start()

    async def stop(self) -> None:
        """Stop in the opposite order; what was under way goes on at the next start."""
        self._events.close()
        await self._cleanup.aclose()

    async def _start_session(self) -> Session:
        config = self.config
        session = Session(
            SwarmSettings(
                host=config.host,
                port=config.swarm_port,
                dht=config.dht,
                lan=config.lan,
                upload_limit=config.upload_limit,
                download_limit=config.download_limit,
                limit_lan=config.limit_lan,
            )
        )
        self._swarm_port = await session.start()
        self._cleanup.push_async_callback(session.stop)
        return session

    async def _start_overlay(self, library: Library, identity: Identity) -> Peer:
        config = self.config
        offering = Offering(
            self._catalog,
            self._ourselves,
            # Looked up when they are called: the two are made only once the overlay is there.
            lambda video_id: self._videos.content(video_id),  # noqa: PLW0108
            lambda file: self._search.on_response(file),  # noqa: PLW0108
        )
        settings = PeerSettings(
            host=config.host,
            port=config.port,
            name=config.name,
            key=identity.public_key,
            swarm_port=self._swarm_port,
            max_peers=config.max_peers,
            hops=config.hops,
            stabilize_interval=config.stabilize_interval,
        )
        self._peer = peer = Peer(settings, offering)
        self._acquaintances = Acquaintances(peer, library, config, identity.public_key)
        self._acquaintances.on_change = self._peers_changed
        self._search = Search(self._catalog, peer, self._acquaintances.settle)
        self._graph = Graph(
            peer,
            self._catalog,
            own_name=lambda: self.config.name,
            own_videos=lambda: len(self._catalog.records()),
        )
        await self._acquaintances.restore()
        address = await peer.start()
        self._session.map_port(address.port)
        self._cleanup.push_async_callback(peer.stop)
        self._cleanup.push_async_callback(self._acquaintances.stop)
        return peer

    def _compose(self, session: Session, peer: Peer, identity: Identity) -> None:
        config, catalog = self.config, self._catalog
        self._identity = identity
        self._sharing = Sharing(session, catalog)
        self._publisher = Publisher(
            catalog,
            self._jobs,
            identity,
            name=config.name,
            trackers=config.tracker,
            data_dir=config.data_dir,
            share=self._sharing.seed,
            # Looked up when it is called: the videos need the publisher.
            withdraw=lambda video_id: self._videos.withdraw(video_id),  # noqa: PLW0108
        )
        self._fetches = Fetches(session, peer, catalog, config.data_dir / "videos")
        self._resolver = Resolver(catalog, peer)
        self._videos = Videos(
            catalog=catalog,
            session=session,
            fetches=self._fetches,
            classic=ClassicFetches(peer, self._publisher, self._jobs),
            posters=Posters(catalog, peer),
            search=self._search,
            events=self._events,
            identity=identity,
            data_dir=config.data_dir,
        )
        catalog.on_change = self._videos.changed
        session.on_update = self._videos.swarm_changed
        session.on_finished = self._fetches.finished
        session.on_failed = self._fetches.failed
        session.on_resume = self._save_resume
        self._events.on_heard = session.watch_blocks
        self._cleanup.push_async_callback(self._jobs.close)
        self._cleanup.callback(self._publisher.stop)
        self._cleanup.push_async_callback(self._fetches.stop_all)
        self._cleanup.callback(self._videos.stop)

    # --- about itself --------------------------------------------------------------------------

    def set_web_port(self, port: int) -> None:
        """Tell the node where its API listens."""
        self._web_port = port

    def set_public_port(self, port: int) -> None:
        """Tell the node where its public web listens."""
        self._public_port = port

    def view(self) -> NodeView:
        """The node itself."""
        torrents = self._session.torrents()
        used = sum(r.size for r in self._catalog.records() if not r.in_place)
        return NodeView(
            peer_id=str(self._peer.address),
            name=self.config.name,
            key=self._identity.public_key.hex(),
            version=__version__,
            ports=self._ports(),
            data_dir=str(self.config.data_dir),
            uptime=time.monotonic() - self._started_at,
            peers=len(self._peer.peers()),
            videos=len(self._catalog.records()),
            storage_used=used,
            storage_free=shutil.disk_usage(self.config.data_dir).free,
            download_rate=sum(t.status.download_payload_rate for t in torrents if t.status),
            upload_rate=sum(t.status.upload_payload_rate for t in torrents if t.status),
        )

    def settings(self) -> SettingsView:
        """What the user can set."""
        return self._preferences.view()

    async def change_settings(self, changes: Mapping[str, Any]) -> SettingsView:
        """Change settings, for good. Raises InvalidInput, Conflict, StorageError."""
        return await self._preferences.change(changes)

    def _settle_for(self, config: Config) -> None:
        self.config = config
        self._peer.announce(name=config.name)
        self._publisher.name = config.name
        self._session.set_limits(
            upload=config.upload_limit, download=config.download_limit, limit_lan=config.limit_lan
        )

    def write_node_json(self) -> None:
        """Write D/node.json, by which other commands find this node (mode 0600)."""
        write_node_json(
            self._node_json,
            token=self.token,
            peer_id=str(self._peer.address),
            ports=self._ports(),
        )

    def remove_node_json(self) -> None:
        """Take D/node.json away: the node does not run any more."""
        self._node_json.unlink(missing_ok=True)

    @property
    def _node_json(self) -> Path:
        return self.config.data_dir / "node.json"

    def _ports(self) -> Ports:
        return Ports(
            overlay=self._peer.address.port,
            swarm=self._swarm_port,
            web=self._web_port,
            public=self._public_port,
        )

    def _ourselves(self) -> Holder:
        address = self._peer.address
        return Holder(peer=str(address), swarm=(str(PeerAddress(address.host, self._swarm_port)),))

    # --- peers ---------------------------------------------------------------------------------

    def peers(self) -> list[PeerView]:
        """The known peers."""
        return [present.peer_view(peer) for peer in self._peer.peers()]

    async def peer_graph(self) -> PeerGraphView:
        """Who knows whom: ourselves, the known peers, and whom they name when asked."""
        return await self._graph.view()

    async def add_peer(self, address: str) -> PeerView:
        """Join a peer. Raises InvalidInput, PeerUnreachable, PeerRefused, Conflict."""
        return present.peer_view(await self._acquaintances.add(address))

    async def remove_peer(self, peer_id: str) -> None:
        """Forget a peer, and tell it. Raises NotFound."""
        await self._peer.remove(peer_id)

    async def refresh_peers(self) -> list[PeerView]:
        """Ask all peers whether they are alive, and drop those that are not."""
        return [present.peer_view(peer) for peer in await self._peer.refresh()]

    async def rebuild_peers(self, address: str | None, hops: int | None = None) -> list[PeerView]:
        """Forget all peers and build the list anew, from `address` or from the known ones."""
        found = await self._acquaintances.rebuild(address, hops)
        return [present.peer_view(peer) for peer in found]

    # --- add, publish --------------------------------------------------------------------------

    async def add_path(self, path: Path, title: str | None = None) -> JobView:
        """Publish a file of the user's. Raises NotFound, InvalidInput."""
        return present.job_view(await self._publisher.add_path(path, title))

    async def add_upload(
        self, file_name: str, chunks: AsyncIterator[bytes], title: str | None = None
    ) -> JobView:
        """Publish what a client sends. Raises InvalidInput, StorageError."""
        return present.job_view(await self._publisher.add_upload(file_name, chunks, title))

    async def add_url(self, url: str) -> JobView:
        """Publish a video of the web, or fetch a magnet link or torrent. Raises InvalidInput."""
        kind = kind_of_target(url)
        if kind == "magnet" or (kind == "url" and is_torrent_url(url)):
            return present.job_view(self._jobs.submit("fetch", url[:200], self._fetch_job(url)))
        if kind != "url":
            raise InvalidInput("not a URL: it should begin with http://, https:// or magnet:?")
        job = self._publisher.add_download(url[:200], lambda d, c: download(url, d, c))
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

    async def fetch(self, video_id: str, *, keep: bool = True) -> VideoView:
        """Fetch a video, or go on with it. Raises NotFound."""
        return await self._videos.fetch(video_id, keep=keep)

    async def stop_fetch(self, video_id: str) -> VideoView:
        """Stop fetching; the part is deleted. Raises NotFound, Conflict."""
        return await self._videos.stop_fetch(video_id)

    async def open_stream(self, video_id: str) -> Content:
        """The bytes of a video for a player; a remote one begins to be fetched."""
        return await self._videos.open(video_id)

    # --- videos --------------------------------------------------------------------------------

    def videos(self) -> list[VideoView]:
        """Our videos, newest first."""
        return self._videos.all()

    async def video(self, video_id: str) -> VideoView:
        """A video, ours or heard of. Raises NotFound."""
        return self._videos.get(video_id)

    async def update_video(
        self, video_id: str, *, title: str | None, description: str | None, language: str | None
    ) -> VideoView:
        """Change what we say of a video of ours. Raises NotFound, Conflict, InvalidInput."""
        return await self._videos.update(
            video_id, title=title, description=description, language=language
        )

    async def delete_video(self, video_id: str, *, delete_file: bool) -> None:
        """Delete a video, and with `delete_file` its file. Raises NotFound."""
        await self._videos.delete(video_id, delete_file=delete_file)

    def swarm(self, video_id: str) -> SwarmView:
        """The swarm of a video. Raises NotFound."""
        return self._videos.swarm(video_id)

    async def poster(self, video_id: str) -> bytes | None:
        """The JPEG of a video's poster, None without one. Raises NotFound."""
        return await self._videos.poster(video_id)

    def events(self) -> AsyncGenerator[Event, None]:
        """Changes from now on, until the node stops."""
        return self._events.listen()

    # --- tracker -------------------------------------------------------------------------------

    def tracker_announce(self, query: str, address: str, now: float) -> bytes:
        """Answer an HTTP announce (BEP 3) that came from `address`; errors become its answer."""
        return self._tracker.announce(query, address, now)

    def tracker_scrape(self, query: str) -> bytes:
        """Answer a scrape (BEP 48)."""
        return self._tracker.scrape(query, time.time())

    # --- inside --------------------------------------------------------------------------------

    def _fetch_job(self, target: str) -> Work:
        async def work(_: JobControl) -> str:
            video = await self.resolve(target)
            await self.fetch(video.id)
            return video.id

        return work

    def _save_resume(self, video_id: str, data: bytes) -> None:
        saving = asyncio.ensure_future(self._catalog.library.put_resume(video_id, data))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    def _job_changed(self, job: Job) -> None:
        self._events.send(Event(kind="job", data=present.job_view(job)))

    def _peers_changed(self) -> None:
        self._events.send(Event(kind="peers", data=tuple(self.peers())))


async def _token(library: Library) -> str:
    # Kept over restarts, so that an open page stays signed in.
    token: str | None = await library.get_setting(TOKEN_SETTING)
    if token is None:
        token = secrets.token_urlsafe(32)
        await library.put_setting(TOKEN_SETTING, token)
    return token
