"""Torrents that are in the session for their metadata alone: to list their files, to choose one."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import libtorrent as lt

from .torrent import Torrent

MOST_MET = 50  # peers of one torrent
MOST_REMEMBERED = 100  # torrents whose peers are remembered

Add = Callable[[str, Path, Iterable[str], str | None, bool], Torrent]


class Probes:
    """Adds such torrents, takes them away, and remembers whom they met."""

    def __init__(
        self,
        get: Callable[[str], Torrent | None],
        add: Add,
        remove: Callable[[str], Awaitable[None]],
    ) -> None:
        """What the session does: get, add (with trackers, magnet link, `listed`) and remove."""
        self._get = get
        self._add = add
        self._remove = remove
        self._met: OrderedDict[str, list[tuple[str, int]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def probe(
        self,
        info_hash: str,
        directory: Path,
        *,
        magnet: str | None = None,
        trackers: Iterable[str] = (),
        listed: bool = True,
    ) -> AsyncIterator[Torrent]:
        """Have the torrent in the session; nothing but its metadata is fetched for it.

        Where it is there already, it is that one. Else it is gone at the end, and the peers that
        were met are dialled first when it is fetched. `listed`: see `Session.set_listed`.
        """
        known = self._get(info_hash)
        if known is not None:
            yield known
            return
        torrent = self._add(info_hash, directory, trackers, magnet, listed)
        torrent.wanting.probing = True
        try:
            yield torrent
        finally:
            if self._get(info_hash) is torrent:
                await self.end(info_hash)

    async def end(self, info_hash: str) -> None:
        """Take the torrent away, if it is one of these: it is to be fetched."""
        torrent = self._get(info_hash)
        if torrent is None or not torrent.wanting.probing:
            return
        peers = torrent.handle.get_peer_info()
        met = [peer.ip for peer in peers if peer.flags & lt.peer_info.local_connection]
        self._met[info_hash] = met[:MOST_MET]
        while len(self._met) > MOST_REMEMBERED:
            self._met.popitem(last=False)
        await self._remove(info_hash)

    def met(self, info_hash: str) -> list[tuple[str, int]]:
        """Whom a torrent met when it was probed; said once."""
        return self._met.pop(info_hash, [])
