"""The libtorrent session: its life, its torrents, and its alerts on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import libtorrent as lt

from ..errors import Cancelled, OurBug, P2PTubeError, ProtocolViolation, StorageError
from ..models import PeerAddress
from ..network import Blocked
from .alerts import dispatch
from .guard import Guard
from .heap import return_large_blocks
from .limits import Limits
from .metainfo import layout_of, parse_magnet, torrent_info
from .names import resolve
from .resume import ResumeData, resumed
from .settings import ALERT_QUEUE, ALERTS, BLOCK_ALERTS, SwarmSettings, pack
from .sockets import cut_towards
from .torrent import Torrent
from .trackers import announce_at, usable, websocket_ports

log = logging.getLogger(__name__)

UPDATE_SECONDS = 1.0
RESUME_SECONDS = 5.0
STOP_SECONDS = 5.0
# Addresses that failed a few times are dialled again only where a tracker names them once more;
# else a holder that was away for half a minute would never be asked again.
LIKE_A_TRACKER = lt.peer_info.tracker
# The DHT can be asked for the info-hashes it knows (BEP 51), and the local network hears of them:
# a torrent for those who have its link is told to trackers and to known holders only.
UNLISTED = lt.torrent_flags.disable_dht | lt.torrent_flags.disable_lsd


class Session:
    """Every torrent of the node. All methods run on the event loop's thread."""

    def __init__(self, settings: SwarmSettings) -> None:
        self._settings = settings
        self._torrents: dict[str, Torrent] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.resume = ResumeData()
        self._removed: dict[str, asyncio.Event] = {}
        self._websocket_ports: set[int] = set()  # of trackers, since the start
        self.on_update: Callable[[str], None] = lambda info_hash: None
        self.on_finished: Callable[[str], None] = lambda info_hash: None
        self.on_failed: Callable[[str, str], None] = lambda info_hash, reason: None
        # An announce was answered, with so many peers; or it failed, for the reason given.
        self.on_tracker: Callable[[str, str, int, str], None] = lambda info_hash, url, peers, e: (
            None
        )

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> int:
        """Listen; return the port. Raises StorageError when the port cannot be had.

        With a proxy there is no port to connect to, since it would be one around the proxy: 0.
        """
        self._loop = asyncio.get_running_loop()
        return_large_blocks()
        self._session: lt.session = lt.session(cast(Any, pack(self._settings)))
        self._limits = Limits(self._session)
        self.set_limits(
            upload=self._settings.upload_limit,
            download=self._settings.download_limit,
            limit_lan=self._settings.limit_lan,
        )
        self.guard = Guard(
            self._session,
            self.torrents,
            blocked=self._settings.blocked,
            most_per_address=self._settings.connections_per_address,
        )
        # A file descriptor and no Python callback: the destructor of the session holds the
        # interpreter's lock while it waits for threads that would need it for the callback.
        self._wakeup, self._waker = socket.socketpair()
        self._wakeup.setblocking(False)
        self._waker.setblocking(False)
        self._session.set_alert_fd(self._waker.fileno())
        self._loop.add_reader(self._wakeup, self._wake)
        port: int = self._session.listen_port()
        # libtorrent falls back to another port, and to none for an address that is not ours.
        if self._settings.proxy is None and (port == 0 or self._settings.port not in {0, port}):
            await self._close()
            where = f"port {self._settings.port} of {self._settings.host}"
            raise StorageError(f"cannot listen for the swarm on {where}: taken, or not ours")
        self._tasks = {
            asyncio.create_task(self._update_regularly()),
            asyncio.create_task(self._save_regularly()),
        }
        return port

    async def stop(self) -> None:
        """Save what was fetched so far, leave the swarms, and close the sockets."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._session.pause()
        for torrent in self._torrents.values():
            self.resume.ask(torrent)
        await self.resume.settle(STOP_SECONDS)
        for torrent in self._torrents.values():
            torrent.close(Cancelled("the node is stopping"))
        self._torrents.clear()
        for removed in self._removed.values():
            removed.set()
        await self._close()

    async def _close(self) -> None:
        self._loop.remove_reader(self._wakeup)
        self._wakeup.close()
        last_references = [self._limits, self.guard, self._session]
        del self._limits, self.guard, self._session
        if self._websocket_ports:
            # The destructor takes leave of WebSocket trackers, and waits for their answer without
            # end, with the interpreter's lock: a tracker that is dead, or that is in this very
            # process, would stop it for good. Closed connections are not taken leave of.
            await asyncio.to_thread(cut_towards, self._websocket_ports)
        # It waits for the other trackers, too, but a second only: not on the loop's thread.
        await asyncio.to_thread(last_references.clear)
        self._waker.close()

    def map_port(self, port: int) -> None:
        """Ask the router to let TCP connections to `port` of another server of ours through."""
        if self._settings.dht and not self._settings.discreet:
            self._session.add_port_mapping(lt.portmap_protocol.tcp, port, port)

    def set_limits(self, *, upload: int, download: int, limit_lan: bool) -> None:
        """Change the rate limits, in bytes/s, at once; 0 = unlimited."""
        self._limits.apply(upload=upload, download=download, limit_lan=limit_lan)

    def block(self, blocked: Blocked) -> None:
        """Stay away from these addresses from now on, and from no others.

        Connections to them end, and none is made any more, in neither direction.
        """
        self.guard.block(blocked)

    def limit_connections(self, per_address: int) -> None:
        """Let an address have so many connections; the newest beyond that are ended."""
        self.guard.set_share(per_address)

    def use_stun_server(self, server: str) -> None:
        """Ask this STUN server (`host:port`, "" for none) for WebRTC connections from now on."""
        if not self._settings.discreet:
            self._session.apply_settings({"webtorrent_stun_server": server})

    def watch_blocks(self, watch: bool) -> None:
        """Note from now on, or no more, who sends each piece: see `Torrent.origins`.

        Not always, since it costs two alerts for every 16 KiB.
        """
        self._session.apply_settings(
            {
                "alert_mask": ALERTS | BLOCK_ALERTS if watch else ALERTS,
                # More than the usual queue can come while the loop is busy for a moment.
                "alert_queue_size": 10 * ALERT_QUEUE if watch else ALERT_QUEUE,
            }
        )

    # --- torrents --------------------------------------------------------------------------------

    def get(self, info_hash: str) -> Torrent | None:
        """Return the torrent, if it is in the session."""
        return self._torrents.get(info_hash)

    def torrents(self) -> list[Torrent]:
        """All torrents of the session."""
        return list(self._torrents.values())

    def seed(
        self, info: bytes, path: Path, trackers: Iterable[str] = (), *, listed: bool = True
    ) -> Torrent:
        """Share the complete file at `path`, whose hashes were verified when it was imported.

        Of a torrent with more files, the pieces that lie in the video as a whole are shared.
        `listed`: see `set_listed`.
        """
        params = lt.add_torrent_params()
        params.ti = torrent_info(info)
        layout = layout_of(params.ti)
        params.save_path = str(path.parent)
        # libtorrent cleans the names it reads in metadata; the file keeps the name it has.
        params.renamed_files = {layout.file_index: path.name}
        first, end = layout.whole_pieces
        have = [first <= piece < end for piece in range(layout.pieces)]
        params.have_pieces = params.verified_pieces = have
        params.flags = _flags(listed)
        if all(have):
            params.flags |= lt.torrent_flags.seed_mode
        else:
            params.flags |= lt.torrent_flags.no_verify_files
            params.piece_priorities = [4 * has for has in have]
        return self._add(params, layout.info_hash, trackers)

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
    ) -> Torrent:
        """Fetch a torrent into `directory`, going on from `resume` data where there is some.

        `listed`: see `set_listed`. Raises ProtocolViolation where `info` is not the metadata of
        that torrent.
        """
        params = resumed(resume, info_hash)
        if params.ti is None and info is not None:
            params.ti = torrent_info(info)
        params.info_hashes = lt.info_hash_t(lt.sha1_hash(bytes.fromhex(info_hash)))
        params.save_path = str(directory)
        params.flags = _flags(listed)
        torrent = self._add(params, info_hash, trackers)
        torrent.want_video()
        if magnet is not None:
            link = parse_magnet(magnet)
            for tracker in self._usable(link.trackers):
                torrent.handle.add_tracker({"url": tracker})
            for endpoint in link.peers:
                torrent.handle.connect_peer(endpoint, LIKE_A_TRACKER)
        return torrent

    async def remove(self, info_hash: str, reason: P2PTubeError | None = None) -> None:
        """Take a torrent out of the session; its file stays. Readers get `reason`."""
        torrent = self._torrents.pop(info_hash, None)
        if torrent is None:
            return
        self.resume.came(info_hash, None)
        torrent.close(reason or Cancelled("the video was removed"))
        removed = self._removed.setdefault(info_hash, asyncio.Event())
        self._session.remove_torrent(torrent.handle)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await removed.wait()
        self._removed.pop(info_hash, None)

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
            change = torrent.handle.unset_flags if listed else torrent.handle.set_flags
            change(UNLISTED)

    # --- holders ---------------------------------------------------------------------------------

    async def dial(self, info_hash: str, addresses: Iterable[PeerAddress]) -> None:
        """Connect to these holders of a torrent that is being fetched; names are resolved first."""

        proxied = self._settings.proxy is not None

        async def one(address: PeerAddress) -> None:
            for endpoint in await resolve(address, only_numeric=proxied):
                torrent = self._torrents.get(info_hash)
                if torrent is not None and not torrent.finished:
                    torrent.handle.connect_peer(endpoint, LIKE_A_TRACKER)
                    self._hurry(torrent)

        # Side by side: a name that is slow to resolve does not hold up the others.
        await asyncio.gather(*map(one, addresses))

    def _hurry(self, torrent: Torrent) -> None:
        if not torrent.hurried:
            torrent.hurried = True
            task = asyncio.create_task(torrent.hurry())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- libtorrent ------------------------------------------------------------------------------

    def _add(
        self, params: lt.add_torrent_params, info_hash: str, trackers: Iterable[str]
    ) -> Torrent:
        if info_hash in self._torrents:
            raise OurBug(f"torrent {info_hash} was added twice")
        params.trackers = self._usable(trackers)
        params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
        try:
            torrent = Torrent(self._session.add_torrent(params), info_hash)
        except RuntimeError as error:
            raise ProtocolViolation(f"libtorrent refuses the torrent: {error}") from error
        self._torrents[info_hash] = torrent
        if params.ti is not None:
            torrent.on_metadata()
        return torrent

    def _usable(self, trackers: Iterable[str]) -> list[str]:
        urls = usable(trackers, self._settings)
        self._websocket_ports |= websocket_ports(urls)
        return urls

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakeup.recv(4096)
        # Alerts die with the next pop: nothing of them is kept, only copies of what they say.
        for alert in self._session.pop_alerts():
            try:
                dispatch(self, alert)
            except Exception:
                log.exception("handling of an alert failed: %s", alert.message())
        self.guard.flush()

    def removed(self, info_hash: str) -> None:
        """libtorrent is done with a torrent."""
        if info_hash in self._removed:
            self._removed[info_hash].set()

    async def _update_regularly(self) -> None:
        while True:
            await asyncio.sleep(UPDATE_SECONDS)
            self._session.post_torrent_updates()

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(RESUME_SECONDS)
            for torrent in self._torrents.values():
                self.resume.ask(torrent, only_if_modified=True)


def _flags(listed: bool) -> Any:
    usual = lt.torrent_flags.update_subscribe | lt.torrent_flags.apply_ip_filter
    return usual if listed else usual | UNLISTED
