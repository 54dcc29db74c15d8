"""The torrents of a session: put into it, and taken out of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import libtorrent as lt

from ..errors import Cancelled, OurBug, P2PTubeError, ProtocolViolation
from .torrent import Torrent

REMOVE_SECONDS = 5.0


class Torrents:
    """Those that are in a session, by info-hash."""

    def __init__(self, session: Callable[[], lt.session], on_drop: Callable[[str], None]) -> None:
        """`session` returns libtorrent's; `on_drop` is told whose torrent is about to go."""
        self._session = session
        self._on_drop = on_drop
        self._torrents: dict[str, Torrent] = {}
        self._removed: dict[str, asyncio.Event] = {}

    def get(self, info_hash: str) -> Torrent | None:
        """One of them, if it is there."""
        return self._torrents.get(info_hash)

    def ahead(self, info_hash: str) -> Torrent | None:
        """The one that is fetched ahead, where a fetch of it can go on with that."""
        known = self._torrents.get(info_hash)
        if known is None or not known.ahead or known.error:
            return None
        return known if known.layout is None or known.layout.files == 1 else None

    def all(self) -> list[Torrent]:
        """All of them."""
        return list(self._torrents.values())

    def add(
        self,
        params: lt.add_torrent_params,
        info_hash: str,
        *,
        file: int | None,
        beside: tuple[int, ...],
    ) -> Torrent:
        """Put one in, of whose files these are wanted; it takes the place of one that is ahead.

        Raises ProtocolViolation where libtorrent refuses it.
        """
        known = self._torrents.get(info_hash)
        if known is not None and known.ahead:
            self._drop(info_hash, Cancelled("it is here by now"))
        elif known is not None:
            raise OurBug(f"torrent {info_hash} was added twice")
        params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
        try:
            torrent = Torrent(self._session().add_torrent(params), info_hash)
        except RuntimeError as error:
            raise ProtocolViolation(f"libtorrent refuses the torrent: {error}") from error
        self._torrents[info_hash] = torrent
        torrent.wanting.file, torrent.wanting.beside = file, beside
        if params.ti is not None:
            torrent.on_metadata()
        return torrent

    def add_again(self, torrent: Torrent, params: lt.add_torrent_params) -> None:
        """Take one out and add it again, paused, with other parameters: see window.py."""
        self._session().remove_torrent(torrent.handle)
        params.flags |= lt.torrent_flags.paused
        params.flags &= ~lt.torrent_flags.auto_managed
        torrent.take_over(self._session().add_torrent(params))

    async def remove(self, info_hash: str, reason: P2PTubeError) -> None:
        """Take one out, and wait for a while until libtorrent is done with it."""
        removed = self._drop(info_hash, reason)
        if removed is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REMOVE_SECONDS):
                    await removed.wait()

    def on_removed(self, info_hash: str) -> None:
        """libtorrent is done with a torrent."""
        event = self._removed.pop(info_hash, None)
        if event is not None:
            event.set()

    def close(self, reason: P2PTubeError) -> None:
        """The session ends: whoever waits for anything waits no longer."""
        for torrent in self._torrents.values():
            torrent.close(reason)
        self._torrents.clear()
        for removed in self._removed.values():
            removed.set()

    def _drop(self, info_hash: str, reason: P2PTubeError) -> asyncio.Event | None:
        torrent = self._torrents.pop(info_hash, None)
        if torrent is None:
            return None
        self._on_drop(info_hash)
        torrent.close(reason)
        removed = self._removed.setdefault(info_hash, asyncio.Event())
        self._session().remove_torrent(torrent.handle)
        return removed
