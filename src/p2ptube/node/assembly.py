"""The parts of a node: put together, started in their order, and stopped in the opposite one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ..config import Config
from ..errors import StorageError
from ..identity import Identity
from ..library import DataLock, Library
from ..media.jobs import Job, Jobs
from ..models import Holder, PeerAddress, VideoState
from ..network import Blocked, Proxy
from ..overlay.peer import Peer
from ..overlay.settings import PeerSettings
from ..swarm import Session, SwarmSettings
from ..tracker.index_store import Index
from ..tracker.tracker import Tracker
from . import present
from .acquaintances import Acquaintances
from .advert import write_node_json
from .attachments import Attachments
from .catalog import Catalog
from .classic import ClassicFetches
from .editing import Editing
from .events import Events
from .fetching import Fetches
from .graph import Graph
from .offering import Offering
from .peer_records import view_of
from .preferences import Preferences
from .public_videos import PublicVideos
from .publishing import Publisher
from .resolving import Resolver
from .searching import Search
from .sharing import Sharing
from .trackers import Trackers
from .trackers_index import OwnIndex
from .uplink import Uplink
from .videos import Videos
from .views import Event, Ports

log = logging.getLogger(__name__)

PROXY_SECONDS = 15.0  # until a proxy has connected us to a peer
TOKEN_SETTING = "api-token"  # noqa: S105  the name of a setting


class Assembly:
    """One node's parts over one data directory. All methods run on the event loop's thread."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.token = ""
        self._web_port: int | None = None
        self._public_port: int | None = None
        self._started_at = time.monotonic()
        self._cleanup = contextlib.AsyncExitStack()
        self._events = Events()
        self._jobs = Jobs(on_change=self._job_changed)
        self._storing: set[asyncio.Task[None]] = set()
        self.tracker = Tracker(random.Random(), secrets.token_bytes(32))  # noqa: S311  samples peers
        self.index: Index | None = None  # of what peers publish here; only with a public port
        self._preferences = Preferences(config, self._settle_for)
        self.blocked = Blocked(config.blocked)  # whom nothing of this node talks to

    # --- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything but the web servers. Raises StorageError, Conflict, InvalidInput."""
        config, stack = self.config, self._cleanup
        stack.callback(DataLock.acquire(config.data_dir).release)
        library = await Library.open(config.data_dir / "library.sqlite")
        stack.push_async_callback(library.close)
        stack.push_async_callback(self._stored)
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
        await self._start_trackers()

    async def stop(self) -> None:
        """Stop in the opposite order; what was under way goes on at the next start."""
        self._events.close()
        await self._cleanup.aclose()

    async def _start_trackers(self) -> None:
        own = None
        if self._public_port is not None:
            self.index = await Index.open(self.config.data_dir / "index.sqlite")
            self._cleanup.push_async_callback(self.index.close)
            own = OwnIndex(self.index, lambda: self._peer.address.host)
        self._cleanup.push_async_callback(self._trackers.stop)
        self._trackers.start(own)
        self._relocate()

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
                connections_per_address=config.connections_per_address,
                blocked=self.blocked,
                stun_server=config.stun_server,
                proxy=Proxy.parse(config.proxy) if config.proxy else None,
                anonymous=config.anonymous,
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
            # With a proxy nobody is to find a way around it: only this machine gets in.
            host="127.0.0.1" if config.proxy else config.host,
            port=config.port,
            name=config.name,
            key=identity.public_key,
            swarm_port=self._swarm_port,
            max_peers=config.max_peers,
            hops=config.hops,
            stabilize_interval=config.stabilize_interval,
            connect_timeout=PROXY_SECONDS if config.proxy else PeerSettings.connect_timeout,
            blocked=self.blocked,
            proxy=Proxy.parse(config.proxy) if config.proxy else None,
            anonymous=config.anonymous,
        )
        self._peer = peer = Peer(settings, offering)
        self._acquaintances = Acquaintances(peer, library, config, identity.public_key)
        self._acquaintances.on_change = self._peers_changed
        self._search = Search(
            self._catalog,
            peer,
            self._acquaintances.settle,
            lambda text: self._trackers.search(text),  # noqa: PLW0108
        )
        self._graph = Graph(
            peer,
            self._catalog,
            own_name=lambda: self.config.name,
            own_videos=lambda: len(self._catalog.records()),
        )
        await self._acquaintances.restore()
        address = await peer.start()
        self._session.map_port(address.port)
        peer.announce(public_url="" if config.discreet else self.public_origin())
        self._cleanup.push_async_callback(peer.stop)
        self._cleanup.push_async_callback(self._acquaintances.stop)
        return peer

    def _compose(self, session: Session, peer: Peer, identity: Identity) -> None:
        config, catalog = self.config, self._catalog
        self._identity = identity
        self._trackers = Trackers(
            catalog,
            session,
            identity,
            configured=config.tracker,
            origin="" if config.discreet else self.public_origin(),
            ourselves=self._ourselves,
            proxy=config.proxy,
            anonymous=config.anonymous,
        )
        self._trackers.on_change = self._relocate
        self._trackers.on_state = lambda views: self._events.send(
            Event(kind="trackers", data=tuple(views))
        )
        self._sharing = Sharing(session, catalog, self._trackers.of)
        self._publisher = Publisher(
            catalog,
            self._jobs,
            identity,
            name=config.name,
            place=self._trackers.place,
            data_dir=config.data_dir,
            share=self._sharing.seed,
            # Looked up when it is called: the videos need the publisher.
            withdraw=lambda video_id: self._videos.withdraw(video_id),  # noqa: PLW0108
            show=lambda video_id, visibility: self._editing.update(video_id, visibility=visibility),
        )
        self._fetches = Fetches(session, peer, catalog, config.data_dir / "videos", self._trackers)
        self._resolver = Resolver(catalog, peer, self._trackers, proxy=config.proxy)
        self._editing = Editing(
            catalog,
            self._sharing,
            identity,
            lambda video_id: self._videos.withdraw(video_id),  # noqa: PLW0108
        )
        self._videos = Videos(
            catalog=catalog,
            session=session,
            fetches=self._fetches,
            classic=ClassicFetches(peer, self._publisher, self._jobs),
            attachments=Attachments(catalog, peer),
            search=self._search,
            events=self._events,
            editing=self._editing,
            data_dir=config.data_dir,
        )
        self.public = PublicVideos(catalog, self._videos.content)
        self.uplink = Uplink(self._limit_swarm)
        self.uplink.set_limit(config.upload_limit, limit_local=config.limit_lan)
        self._cleanup.callback(self.uplink.stop)
        catalog.on_change = self._video_changed
        catalog.on_newer = self._editing.take
        self.tracker.hidden = lambda info_hash: not catalog.is_listed(info_hash.hex())
        session.on_update = self._videos.swarm_changed
        session.on_finished = self._fetches.finished
        session.on_failed = self._fetches.failed
        session.resume.on_data = self._save_resume
        self._events.on_heard = session.watch_blocks
        self._cleanup.push_async_callback(self._jobs.close)
        self._cleanup.callback(self._publisher.stop)
        self._cleanup.push_async_callback(self._fetches.stop_all)
        self._cleanup.callback(self._videos.stop)
        self._cleanup.callback(self._editing.stop)

    # --- where it is ------------------------------------------------------------------------------

    def set_web_port(self, port: int) -> None:
        """Tell the node where its API listens."""
        self._web_port = port

    def set_public_port(self, port: int) -> None:
        """Tell the node where its public web listens."""
        self._public_port = port

    def public_origin(self) -> str:
        """Where strangers find the public web, such as `https://tube.example`; empty: nowhere."""
        if self._public_port is None:
            return ""
        if self.config.public_url:
            return self.config.public_url
        scheme = "https" if self.config.tls_cert else "http"
        return f"{scheme}://{PeerAddress(self._peer.address.host, self._public_port)}"

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
        swarm = PeerAddress(address.host, self._swarm_port)
        return Holder(peer=str(address), swarm=(str(swarm),) if swarm.port else ())

    # --- what its parts tell each other -----------------------------------------------------------

    def _settle_for(self, config: Config) -> None:
        if config.tracker != self.config.tracker:
            self._trackers.set(config.tracker)
        if config.blocked != self.config.blocked:
            self.blocked = Blocked(config.blocked)
            self._session.block(self.blocked)
            self._peer.block(self.blocked)
        if config.connections_per_address != self.config.connections_per_address:
            self._session.limit_connections(config.connections_per_address)
        self._session.use_stun_server(config.stun_server)
        self.config = config
        self._peer.announce(name=config.name)
        self._publisher.name = config.name
        self.uplink.set_limit(config.upload_limit, limit_local=config.limit_lan)

    def _limit_swarm(self, upload: int) -> None:
        config = self.config
        self._session.set_limits(
            upload=upload, download=config.download_limit, limit_lan=config.limit_lan
        )

    def _save_resume(self, video_id: str, data: bytes) -> None:
        self._store(self._catalog.library.put_resume(video_id, data))

    def _video_changed(self, video_id: str) -> None:
        self._videos.changed(video_id)
        self._trackers.changed(video_id)

    def _relocate(self) -> None:
        """Sign our descriptors anew, where they name other trackers than we have by now."""
        self._store(self._editing.relocate(self._trackers.place))

    async def _stored(self) -> None:
        await asyncio.gather(*self._storing)

    def _store(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    def _job_changed(self, job: Job) -> None:
        self._events.send(Event(kind="job", data=present.job_view(job)))

    def _peers_changed(self) -> None:
        self._events.send(Event(kind="peers", data=tuple(map(view_of, self._peer.peers()))))


async def _logged(storing: Coroutine[Any, Any, None]) -> None:
    try:
        await storing
    except StorageError as error:
        log.warning("cannot store: %s", error)


async def _token(library: Library) -> str:
    # Kept over restarts, so that an open page stays signed in.
    token: str | None = await library.get_setting(TOKEN_SETTING)
    if token is None:
        token = secrets.token_urlsafe(32)
        await library.put_setting(TOKEN_SETTING, token)
    return token
