"""The libtorrent session: its life, its torrents, and its alerts on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import libtorrent as lt

from ..errors import Cancelled, P2PTubeError, StorageError
from ..models import PeerAddress
from ..tasks import cancel_all
from .adding import set_listed, to_fetch, to_fetch_ahead, to_probe, to_share
from .ahead import adopt
from .alert_bell import AlertBell
from .alerts import dispatch, finish
from .background import Background
from .dialling import Dialler
from .favouring import favour
from .guard import Guard
from .heap import return_large_blocks
from .metainfo import parse_magnet
from .probes import Probes
from .rates import Rates
from .relief import relieve
from .resume import ResumeData
from .senders import Senders
from .settings import SwarmSettings, pack
from .shares import Endpoint
from .sockets import accept_to_send_at_once, cut_towards, prepare
from .torrent import Torrent
from .torrents import Torrents
from .trackers import announce_at, usable, websocket_ports

log = logging.getLogger(__name__)

UPDATE_SECONDS = 1.0
RESUME_SECONDS = 5.0
STOP_SECONDS = 5.0


class Session:
    """Every torrent of the node. All methods run on the event loop's thread."""

    def __init__(self, settings: SwarmSettings) -> None:
        self._settings = settings
        # Looked up when it is asked for: `_close` is to have the last reference to it.
        self._torrents = Torrents(lambda: self._session, self._dropping)
        self._background = Background()
        self._tasks: set[asyncio.Task[None]] = set()
        self.resume = ResumeData()
        self.connected: set[Endpoint] = set()  # with whom we were connected just now
        self._websocket_ports: set[int] = set()  # of trackers, since the start
        self.probes = Probes(self.get, self._probe, self.remove)
        self._dialler = Dialler(
            self.get,
            lambda host: self.guard.pardon(host),  # noqa: PLW0108  there is none yet
            only_numeric=settings.proxy is not None,
        )
        self.on_update: Callable[[str], None] = lambda info_hash: None
        self.on_finished: Callable[[str], None] = lambda info_hash: None
        self.on_failed: Callable[[str, str], None] = lambda info_hash, reason: None
        # An announce was answered, with so many peers; or it failed, for the reason given.
        self.on_tracker: Callable[[str, str, int, str], None] = lambda *_: None

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> int:
        """Listen; return the port. Raises StorageError when the port cannot be had.

        With a proxy there is no port to connect to, since it would be one around the proxy: 0.
        """
        return_large_blocks()
        self._session: lt.session = lt.session(cast(Any, pack(self._settings)))
        self.rates = Rates(self._session, self._settings, self.torrents)
        self.senders = Senders(self._session, self.torrents)
        self.guard = Guard(
            self._session,
            self.torrents,
            blocked=self._settings.blocked,
            most_per_address=self._settings.connections_per_address,
        )
        self._bell = AlertBell(self._session, self._take_alerts)
        port: int = self._session.listen_port()
        # libtorrent falls back to another port, and to none for an address that is not ours.
        if self._settings.proxy is None and (port == 0 or self._settings.port not in {0, port}):
            await self._close()
            where = f"port {self._settings.port} of {self._settings.host}"
            raise StorageError(f"cannot listen for the swarm on {where}: taken, or not ours")
        self._tasks = {
            asyncio.create_task(self._update_regularly()),
            asyncio.create_task(self._save_regularly()),
            asyncio.create_task(relieve(self.torrents, lambda late: self.guard.leave(late))),  # noqa: PLW0108
        }
        self.rates.set_yielding(self._settings.yielding)
        accept_to_send_at_once()
        return port

    async def stop(self) -> None:
        """Save what was fetched so far, leave the swarms, and close the sockets."""
        self.rates.stop()
        await cancel_all(*self._tasks)
        await self._dialler.stop()
        self._session.pause()
        for torrent in self.torrents():
            self.resume.ask(torrent)
        await self.resume.settle(STOP_SECONDS)
        self._torrents.close(Cancelled("the node is stopping"))
        await self._close()

    async def _close(self) -> None:
        self._bell.mute()
        last_references = [self.rates.let_go(), self.guard, self.senders, self._session]
        del self.guard, self.senders, self._session, self._tasks  # these keep what they were given
        if self._websocket_ports:
            # The destructor takes leave of WebSocket trackers, and waits for their answer without
            # end, with the interpreter's lock: a tracker that is dead, or that is in this very
            # process, would stop it for good. Closed connections are not taken leave of.
            await asyncio.to_thread(cut_towards, self._websocket_ports)
        # It waits for the other trackers, too, but a second only: not on the loop's thread.
        await asyncio.to_thread(last_references.clear)
        self._bell.close()

    def map_port(self, port: int) -> None:
        """Ask the router to let TCP connections to `port` of another server of ours through."""
        if self._settings.dht and not self._settings.discreet:
            self._session.add_port_mapping(lt.portmap_protocol.tcp, port, port)

    def favour_watched(self) -> None:
        """Let the downloads that nobody watches make way, or go on: see `background`."""
        favour(self._background, self.torrents(), asyncio.get_running_loop().time())

    def use_stun_server(self, server: str) -> None:
        """Ask this STUN server (`host:port`, "" for none) for WebRTC connections from now on."""
        if not self._settings.discreet:
            self._session.apply_settings({"webtorrent_stun_server": server})

    def watch_blocks(self, watch: bool) -> None:
        """Note from now on, or no more, who sends each piece: see `Torrent.origins`.

        Not always, since it can cost two alerts for every 16 KiB.
        """
        self.senders.switch(watch)

    # --- torrents --------------------------------------------------------------------------------

    def get(self, info_hash: str) -> Torrent | None:
        """Return the torrent, if it is in the session."""
        return self._torrents.get(info_hash)

    def torrents(self) -> list[Torrent]:
        """All torrents of the session."""
        return self._torrents.all()

    def seed(
        self,
        info: bytes,
        path: Path,
        trackers: Iterable[str] = (),
        *,
        listed: bool = True,
        file: int | None = None,
    ) -> Torrent:
        """Share the complete file at `path`, whose hashes were verified when it was imported.

        Of a torrent with more files, it is the one with the index `file` (None: the largest
        video), and the pieces that lie in it as a whole are shared. `listed`: see `set_listed`.
        """
        params, info_hash = to_share(info, path, file=file, listed=listed)
        torrent = self._add(params, info_hash, trackers, file=file)
        torrent.shared = True
        return torrent

    def fetch(
        self,
        info_hash: str,
        directory: Path,
        *,
        info: bytes | None = None,
        magnet: str | None = None,
        resume: bytes | None = None,
        trackers: Iterable[str] = (),
        listed: bool = True,
        file: int | None = None,
        beside: tuple[int, ...] = (),
        bounded: bool = False,
        held: bool = False,
    ) -> Torrent:
        """Fetch a video into `directory`, going on from `resume` data where there is some.

        `file` is the index of the one to fetch (None: the largest video), `beside` those of small
        files to fetch before it. `listed`: see `set_listed`. `bounded`: nothing of it until it is
        confined to a part, or to none. `held`: nothing but metadata before `Wanting.begin`, unless
        it goes on with `fetch_ahead`. Raises ProtocolViolation where `info` is another torrent's.
        """
        ahead = self._torrents.ahead(info_hash)
        if ahead is not None:
            ahead.wanting.go_on(file, beside, held=held)
            return self._adopt(ahead, directory, trackers, magnet, listed=listed, bounded=bounded)
        params = to_fetch(
            info_hash,
            directory,
            info=info,
            resume=resume,
            listed=listed,
            file=file,
            beside=beside,
            bounded=bounded,
            held=held,
        )
        torrent = self._add(params, info_hash, trackers, file=file, beside=beside)
        torrent.wanting.bound = frozenset() if bounded else None
        torrent.wanting.held = held
        if params.ti is None or torrent.layout is None or torrent.layout.files == 1:
            torrent.wanting.want_video()
        self._follow(torrent, magnet)
        return torrent

    def fetch_ahead(self, info_hash: str, directory: Path, info: bytes | None) -> Torrent:
        """Connect to a torrent's peers before anybody asks for it: see ahead.py.

        Nothing of it is fetched but its metadata, until it is said what is wanted. A `fetch` of it
        goes on with it.
        """
        torrent = self._add(to_fetch_ahead(info_hash, directory, info), info_hash, ())
        torrent.ahead = True
        torrent.wanting.held, torrent.wanting.bound = True, frozenset()
        return torrent

    def _adopt(
        self,
        torrent: Torrent,
        directory: Path,
        trackers: Iterable[str],
        magnet: str | None,
        *,
        listed: bool,
        bounded: bool,
    ) -> Torrent:
        adopt(torrent, directory, bounded=bounded)
        self.set_trackers(torrent.info_hash, trackers)
        self.set_listed(torrent.info_hash, listed)
        self._follow(torrent, magnet)
        # It says so when the last piece comes, and that may have been before.
        finish(self, torrent)
        return torrent

    def _follow(self, torrent: Torrent, magnet: str | None) -> None:
        endpoints = self.probes.met(torrent.info_hash)
        if magnet is not None:
            link = parse_magnet(magnet)
            for tracker in self._usable(link.trackers):
                torrent.handle.add_tracker({"url": tracker})
            endpoints += link.peers
        self._dialler.connect(torrent, endpoints)

    def _probe(
        self,
        info_hash: str,
        directory: Path,
        trackers: Iterable[str],
        magnet: str | None,
        listed: bool,
    ) -> Torrent:
        params = to_probe(info_hash, directory, listed=listed)
        torrent = self._add(params, info_hash, trackers)
        self._follow(torrent, magnet)
        return torrent

    async def remove(self, info_hash: str, reason: P2PTubeError | None = None) -> None:
        """Take a torrent out of the session; its file stays. Readers get `reason`."""
        await self._torrents.remove(info_hash, reason or Cancelled("the video was removed"))

    def _dropping(self, info_hash: str) -> None:
        self.resume.gone(info_hash)
        self.senders.leave(info_hash)

    def add_again(self, torrent: Torrent, params: lt.add_torrent_params) -> None:
        """Take a torrent out and add it again, paused, with other parameters: see window.py."""
        self._torrents.add_again(torrent, params)

    def set_trackers(self, info_hash: str, urls: Iterable[str]) -> None:
        """Announce a torrent at these trackers from now on, at new ones at once, at no others.

        What they answer comes through `on_tracker`. A tracker that is taken away is told nothing:
        it forgets us when no more announces come. Nothing for a torrent that is not here.
        """
        torrent = self._torrents.get(info_hash)
        if torrent is not None:
            announce_at(torrent.handle, self._usable(urls))

    def set_listed(self, info_hash: str, listed: bool) -> None:
        """Whether the DHT and the local network are told of a torrent, and asked for its peers."""
        torrent = self._torrents.get(info_hash)
        if torrent is not None:
            set_listed(torrent.handle, listed)

    async def dial(
        self, info_hash: str, addresses: Iterable[PeerAddress], *, at_once: bool = False
    ) -> None:
        """Connect to these holders of a torrent that is being fetched: see `Dialler.dial`."""
        await self._dialler.dial(info_hash, addresses, at_once=at_once)

    # --- libtorrent ------------------------------------------------------------------------------

    def _add(
        self,
        params: lt.add_torrent_params,
        info_hash: str,
        trackers: Iterable[str],
        *,
        file: int | None = None,
        beside: tuple[int, ...] = (),
    ) -> Torrent:
        params.trackers = self._usable(trackers)
        torrent = self._torrents.add(params, info_hash, file=file, beside=beside)
        torrent.scheduling.on_lane = self.rates.adapt_to_crowds
        return torrent

    def _usable(self, trackers: Iterable[str]) -> list[str]:
        urls = usable(trackers, self._settings)
        self._websocket_ports |= websocket_ports(urls)
        return urls

    def _take_alerts(self) -> None:
        # Alerts die with the next pop: nothing of them is kept, only copies of what they say.
        for alert in self._session.pop_alerts():
            try:
                dispatch(self, alert)
            except Exception:
                log.exception("handling of an alert failed: %s", alert.message())
        self.guard.flush()
        if self.connected:
            prepare(self.connected)
            self.connected.clear()

    def removed(self, info_hash: str) -> None:
        """libtorrent is done with a torrent."""
        self._torrents.on_removed(info_hash)

    async def _update_regularly(self) -> None:
        while True:
            await asyncio.sleep(UPDATE_SECONDS)
            self._session.post_torrent_updates()
            self.favour_watched()
            self.rates.adapt_to_line()

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(RESUME_SECONDS)
            for torrent in self.torrents():
                self.resume.ask(torrent, only_if_modified=True)
