"""Connects torrents to the peers that were named to us, as soon as that can be done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import libtorrent as lt

from ..models import PeerAddress
from ..tasks import cancel_all
from .names import resolve
from .shares import Endpoint
from .torrent import Torrent

# Addresses that failed a few times are dialled again only where a tracker names them once more;
# else a holder that was away for half a minute would never be asked again.
LIKE_A_TRACKER = lt.peer_info.tracker


class Dialler:
    """Dials for the torrents of a session; `get` returns one that is in it."""

    def __init__(
        self,
        get: Callable[[str], Torrent | None],
        pardon: Callable[[str], None],
        *,
        only_numeric: bool,
    ) -> None:
        """`only_numeric`: no names are looked up, since that would be asked around a proxy.

        `pardon` lets libtorrent forget that a host was banned: see `Guard.pardon`.
        """
        self._get = get
        self._pardon = pardon
        self._only_numeric = only_numeric
        self._hurrying: set[asyncio.Task[None]] = set()

    async def dial(
        self, info_hash: str, addresses: Iterable[PeerAddress], *, at_once: bool = False
    ) -> None:
        """Connect to these holders of a torrent that is being fetched; names are resolved first.

        `at_once`: also if the connections that are there, of which none has brought anything yet,
        have to be made anew for it. Otherwise it may take a second.
        """

        async def one(address: PeerAddress) -> None:
            for endpoint in await resolve(address, only_numeric=self._only_numeric):
                torrent = self._get(info_hash)
                if torrent is not None and not torrent.finished:
                    self._pardon_if_alone(torrent, endpoint)
                    self.connect(torrent, [endpoint])

        # Side by side: a name that is slow to resolve does not hold up the others.
        await asyncio.gather(*map(one, addresses))
        torrent = self._get(info_hash) if at_once else None
        if torrent is not None:
            await torrent.hurry(again=True)

    def connect(self, torrent: Torrent, endpoints: Iterable[Endpoint]) -> None:
        """Connect a torrent to peers at these endpoints."""
        for endpoint in dict.fromkeys(endpoints):
            torrent.handle.connect_peer(endpoint, LIKE_A_TRACKER)
            self._hurry(torrent)

    def _pardon_if_alone(self, torrent: Torrent, endpoint: Endpoint) -> None:
        if not torrent.connected and torrent.bans.is_over(endpoint[0], time.monotonic()):
            self._pardon(endpoint[0])

    async def stop(self) -> None:
        """Hurry nobody any more."""
        await cancel_all(*self._hurrying)

    def _hurry(self, torrent: Torrent) -> None:
        if not torrent.hurried:
            torrent.hurried = True
            task = asyncio.create_task(torrent.hurry())
            self._hurrying.add(task)
            task.add_done_callback(self._hurrying.discard)
