"""Notes who sends each piece, while somebody looks, at as little cost as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libtorrent as lt

from .connections import address_text
from .settings import ALERT_QUEUE, ALERTS, BLOCK_ALERTS
from .torrent import Torrent


class Senders:
    """Fills `Torrent.origins`.

    libtorrent tells the sender of a block, and of nothing larger: two alerts for every 16 KiB,
    a tenth of the processor time of a fast fetch. So blocks are watched only while a torrent that
    is being fetched has several connections. Where it has a single one, all comes from there.
    """

    def __init__(self, session: lt.session, torrents: Callable[[], Iterable[Torrent]]) -> None:
        self._session = session
        self._torrents = torrents
        self._on = False
        self._blocks = False
        self._several: set[str] = set()  # torrents with several connections
        self._single: dict[str, str] = {}  # of each torrent, the last that was the only connection

    def switch(self, on: bool) -> None:
        """Begin to note who sends what, or stop."""
        self._on = on
        self._several.clear()
        self._single.clear()
        for torrent in self._torrents() if on else ():
            self.on_connections(torrent)
        self._apply()

    def on_connections(self, torrent: Torrent) -> None:
        """Somebody has connected to a torrent, or left it.

        libtorrent tells of every connection before it brings the first block.
        """
        if not self._on or torrent.finished:
            return
        peers = [
            peer
            for peer in torrent.handle.get_peer_info()
            if not peer.flags & lt.peer_info.connecting
        ]
        if len(peers) > 1:
            self._several.add(torrent.info_hash)
        else:
            self._several.discard(torrent.info_hash)
            for peer in peers:
                self._single[torrent.info_hash] = address_text(peer.remote_endpoint())
        self._apply()

    def on_block(self, torrent: Torrent, piece: int, endpoint: tuple[str, int]) -> None:
        """The first block of a piece comes from there: mostly, a peer sends whole pieces."""
        torrent.origins.note(piece, address_text(endpoint))

    def on_piece(self, torrent: Torrent, piece: int) -> None:
        """A piece is complete."""
        single = self._single.get(torrent.info_hash)
        if single is None or (torrent.info_hash in self._several and torrent.origins.knows(piece)):
            return
        # Of several: it was begun before its blocks were watched, when there was only this one.
        torrent.origins.note(piece, single)

    def leave(self, info_hash: str) -> None:
        """Nothing more comes of a torrent: it is complete, or gone."""
        self._several.discard(info_hash)
        self._single.pop(info_hash, None)
        self._apply()

    def _apply(self) -> None:
        blocks = bool(self._several)
        if blocks != self._blocks:
            self._blocks = blocks
            self._session.apply_settings(
                {
                    "alert_mask": ALERTS | BLOCK_ALERTS if blocks else ALERTS,
                    # More than the usual queue can come while the loop is busy for a moment.
                    "alert_queue_size": 10 * ALERT_QUEUE if blocks else ALERT_QUEUE,
                }
            )
