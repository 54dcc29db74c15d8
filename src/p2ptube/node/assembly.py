"""The parts of a node: put together, started in their order, and stopped in the opposite one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from pathlib import Path

from ..config import Config
from ..identity import Identity
from ..library import DataLock, Library
from ..media.jobs import Jobs
from ..models import Holder, PeerAddress, VideoState
from ..network import Blocked
from ..overlay.peer import Peer
from ..swarm import Session
from ..tracker.index_store import Index
from ..tracker.tracker import Tracker
from .acquaintances import Acquaintances
from .advert import api_token, write_node_json
from .announcing import Announcing
from .attachments import Attachments
from .catalog import Catalog
from .classic import ClassicFetches
from .editing import Editing
from .events import Events
from .fetching import Fetches
from .glances import Glances
from .graph import Graph
from .limit_times import LimitTimes
from .metadata import Metadata
from .offering import Offering
from .part_settings import peer_settings, swarm_settings
from .parts import Parts
from .preferences import Preferences
from .prefetching import Prefetches
from .public_videos import PublicVideos
from .publishing import Publisher
from .resolving import Resolver
from .searching import Search
from .sharing import Sharing
from .storing import Storing
from .subtitles import Subtitles
from .torrent_files import TorrentFiles
from .trackers import Trackers
from .trackers_index import OwnIndex
from .unkept import Unkept
from .uplink import Uplink
from .videos import Videos
from .views import Event, Ports


class Assembly(Parts):
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
        self._storing = Storing()
        self._unkept = None
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
        stack.push_async_callback(self._forget_unkept)
        stack.push_async_callback(self._storing.done)
        identity = Identity.load_or_create(config.data_dir / "identity.key")
        self.token = await api_token(library)
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
        await self._prefetches.clean_up()
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
        session = Session(swarm_settings(self.config, self.blocked))
        self._swarm_port = await session.start()
        self._cleanup.push_async_callback(session.stop)
        return session

    async def _start_overlay(self, library: Library, identity: Identity) -> Peer:
        config = self.config
        offering = Offering(
            self._catalog,
            self._ourselves,
            # Looked up when they are called: the two are made only once the overlay is there.
            lambda video_id: self._videos.shared_content(video_id),  # noqa: PLW0108
            lambda file: self._search.on_response(file),  # noqa: PLW0108
            lambda message, remote: self._announcing.take(message, remote),  # noqa: PLW0108
        )
        settings = peer_settings(config, self.blocked, identity.public_key, self._swarm_port)
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
        self._identity = identity
        self._compose_publishing(session, identity)
        self._compose_playing(session, peer)
        self._connect(session)
        self._end_with_the_node()

    def _compose_publishing(self, session: Session, identity: Identity) -> None:
        config, catalog = self.config, self._catalog
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
        self._editing = Editing(
            catalog,
            self._sharing,
            identity,
            lambda video_id: self._videos.withdraw(video_id),  # noqa: PLW0108
        )

    def _compose_playing(self, session: Session, peer: Peer) -> None:
        config, catalog = self.config, self._catalog
        videos = config.data_dir / "videos"
        self._unkept = Unkept(session, catalog, videos, lambda: self.config.play_window)
        self._metadata = Metadata(peer, catalog)
        self._prefetches = Prefetches(
            session,
            self._metadata,
            catalog,
            videos / ".prefetch",  # where a file is moved from to its place at no cost
            lambda: self.config.prefetch and not self.config.discreet,
        )
        self._subtitles, self._glances = Subtitles(catalog), Glances(catalog)
        self._announcing = Announcing(session, peer, catalog, self._ourselves)
        self._fetches = Fetches(
            session,
            peer,
            catalog,
            videos,
            metadata=self._metadata,
            trackers=self._trackers,
            announcing=self._announcing,
            unkept=self._unkept,
            subtitles=self._subtitles,
            glances=self._glances,
        )
        files = self._compose_resolving(session, peer)
        self._videos = Videos(
            catalog=catalog,
            session=session,
            fetches=self._fetches,
            classic=ClassicFetches(peer, self._publisher, self._jobs),
            attachments=Attachments(catalog, peer),
            search=self._search,
            events=self._events,
            editing=self._editing,
            unkept=self._unkept,
            files=files,
            data_dir=config.data_dir,
            keep_usually=lambda: self.config.keep,
        )
        self.public = PublicVideos(catalog, self._videos.shared_content)
        self.uplink = Uplink(self._limit_swarm)
        self._limit_times = LimitTimes(self._limit)
        self._limit_times.settle(config)

    def _compose_resolving(self, session: Session, peer: Peer) -> TorrentFiles:
        config, catalog = self.config, self._catalog
        files = TorrentFiles(
            catalog,
            session,
            self._metadata,
            config.data_dir / "videos",
            fetched=self._fetches.torrent,
            trackers=self._trackers.ours,
            meets_strangers=not config.discreet and (config.dht or config.lan),
        )
        self._cleanup.push_async_callback(files.stop)
        self._resolver = Resolver(
            catalog,
            peer,
            self._trackers,
            proxy=config.proxy,
            stranger=files.stranger,
            dial=session.dial,
        )
        return files

    def _connect(self, session: Session) -> None:
        """Tell the parts whom to tell of what happens."""
        catalog = self._catalog
        catalog.on_change = self._video_changed
        catalog.on_newer = self._editing.take
        self._trackers.on_change = self._relocate
        self._trackers.on_state = lambda views: self._events.send(
            Event(kind="trackers", data=tuple(views))
        )
        self.tracker.hidden = lambda info_hash: not catalog.is_listed(info_hash.hex())
        session.on_update = self._videos.swarm_changed
        session.on_finished = self._fetches.finished
        session.on_failed = self._fetches.failed
        session.resume.on_data = self._save_resume
        self._events.on_heard = session.watch_blocks

    def _end_with_the_node(self) -> None:
        self._cleanup.callback(self._limit_times.stop)
        self._cleanup.callback(self.uplink.stop)
        self._cleanup.push_async_callback(self._jobs.close)
        self._cleanup.callback(self._publisher.stop)
        self._cleanup.push_async_callback(self._metadata.stop)
        self._cleanup.push_async_callback(self._prefetches.stop)
        self._cleanup.push_async_callback(self._announcing.stop)
        self._cleanup.push_async_callback(self._fetches.stop_all)
        self._cleanup.push_async_callback(self._subtitles.stop_all)
        self._cleanup.push_async_callback(self._glances.stop_all)
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
