"""Keeps away whom the user blocked, and whoever takes more connections than an address may have.

libtorrent's address filter keeps TCP and uTP connections out. It does not look at new WebRTC ones,
but when it is set it drops whatever it covers: so it is set anew when such a peer turns up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import libtorrent as lt

from ..network import Blocked
from . import sockets
from .connections import is_utp, is_webrtc
from .shares import Endpoint, Shares
from .torrent import Torrent

log = logging.getLogger(__name__)

_BLOCK = 1  # a flag of lt.ip_filter, which its Python binding does not name


class Guard:
    """Watches the connections of a session. `torrents` gives those that are in it."""

    def __init__(
        self,
        session: lt.session,
        torrents: Callable[[], Iterable[Torrent]],
        *,
        blocked: Blocked,
        most_per_address: int,
    ) -> None:
        self._session = session
        self._torrents = torrents
        self._blocked = blocked
        self._shares = Shares(most_per_address)
        self._changed: set[Torrent] = set()  # those with connections that were not looked at yet
        self._excess: set[Endpoint] = set()
        self._utp: set[Endpoint] = set()
        self._ports: dict[Endpoint, int] = {}  # our ends of WebRTC connections
        self._filter()

    # --- what the user sets --------------------------------------------------------------------

    def block(self, blocked: Blocked) -> None:
        """Stay away from these addresses, and from no others; who is connected is dropped."""
        self._blocked = blocked
        self._filter()

    def pardon(self, host: str) -> None:
        """Let libtorrent forget that it banned a host, for which it has no call.

        It forgets whom its filter covers, and ends what other connections there are with him.
        """
        log.info("giving another chance to %s, banned for pieces with wrong hashes", host)
        self._filter({host})
        self._filter()

    def leave(self, endpoints: set[Endpoint]) -> None:
        """End these connections, so that what was asked for there is asked of others at once."""
        self._end(endpoints, at_once=True)

    def set_share(self, most_per_address: int) -> None:
        """An address may have so many connections; the newest beyond that are ended."""
        self._excess.update(self._shares.change(most_per_address))
        self.flush()

    # --- what libtorrent tells -----------------------------------------------------------------

    def on_incoming(self, endpoint: Endpoint, *, utp: bool) -> None:
        """Somebody has connected to us by TCP or uTP, and said nothing yet."""
        if utp:
            self._utp.add(endpoint)
        self._excess.update(self._shares.add(endpoint, dialled=False))

    def on_connect(self, torrent: Torrent) -> None:
        """A torrent has a new connection."""
        self._changed.add(torrent)

    def on_disconnect(self, endpoint: Endpoint) -> None:
        """A connection is over."""
        self._shares.remove(endpoint)
        self._excess.discard(endpoint)
        self._utp.discard(endpoint)
        self._ports.pop(endpoint, None)

    def on_alerts_lost(self) -> None:
        """Connections may have come and gone unnoticed."""
        self._changed.update(self._torrents())
        connections = (torrent.handle.get_peer_info() for torrent in self._changed)
        alive = {peer.ip for peers in connections for peer in peers}
        for endpoint in [e for e in self._shares if e not in alive]:
            self.on_disconnect(endpoint)

    def flush(self) -> None:
        """Do what all that was told gives reason to."""
        while self._changed:
            self._look_at(self._changed.pop())
        if self._excess:
            excess, self._excess = self._excess, set()
            log.info("ending %d connections beyond the share of their addresses", len(excess))
            self._end(excess)

    # --- what is done --------------------------------------------------------------------------

    def _look_at(self, torrent: Torrent) -> None:
        unwelcome = False
        for peer in torrent.handle.get_peer_info():
            came = not peer.flags & lt.peer_info.local_connection
            if is_webrtc(peer):
                came = True  # both ends of such a connection look as if they had dialled
                unwelcome = unwelcome or self._blocked.covers(peer.ip[0])
                self._ports[peer.ip] = peer.local_endpoint()[1]
            elif is_utp(peer):
                self._utp.add(peer.ip)
            self._excess.update(self._shares.add(peer.ip, dialled=not came))
        if unwelcome:
            self._filter()

    def _end(self, endpoints: set[Endpoint], *, at_once: bool = False) -> None:
        slowly = set(self._ports) if at_once else set()  # WebRTC falls silent first
        whole = endpoints & (self._utp | slowly) if sockets.can_cut() else endpoints
        single = endpoints - whole
        if single:
            ports = {self._ports[endpoint] for endpoint in single if endpoint in self._ports}
            if sockets.cut(single, ports) < len(single) and at_once:
                whole = endpoints  # behind a proxy no socket leads to them
        if whole:
            # All of uTP goes through one socket: the whole address has to go, and may come again.
            self._filter({host for host, _ in whole})
            self._filter()

    def _filter(self, hosts: Iterable[str] = ()) -> None:
        rules = lt.ip_filter()
        for first, last in (*self._blocked.ranges(), *((host, host) for host in hosts)):
            rules.add_rule(first, last, _BLOCK)
        # Also where these are the rules of before: whoever they cover is dropped now.
        self._session.set_ip_filter(rules)
