"""Resume data: what libtorrent needs to go on with a fetch where it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import libtorrent as lt

from .torrent import Torrent

log = logging.getLogger(__name__)


class ResumeData:
    """Asks for the resume data of torrents; `on_data` gets an info-hash and what came."""

    def __init__(self) -> None:
        self.on_data: Callable[[str, bytes], None] = lambda info_hash, data: None
        self._asked: set[str] = set()
        self._all_came = asyncio.Event()

    def ask(self, torrent: Torrent, *, only_if_modified: bool = False) -> None:
        """Ask for that of a torrent, unless it has nothing to go on with."""
        if torrent.finished or torrent.layout is None:
            return
        flags = lt.save_resume_flags_t.save_info_dict | lt.save_resume_flags_t.flush_disk_cache
        if only_if_modified:
            flags |= lt.save_resume_flags_t.only_if_modified
        self._asked.add(torrent.info_hash)
        torrent.handle.save_resume_data(flags)

    def came(self, info_hash: str, data: bytes | None) -> None:
        """The answer; None where there was nothing new, or the torrent is gone."""
        self._asked.discard(info_hash)
        if not self._asked:
            self._all_came.set()
        if data is not None:
            self.on_data(info_hash, data)

    async def settle(self, seconds: float) -> None:
        """Wait so long at most until all that was asked for has come."""
        if self._asked:
            self._all_came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._all_came.wait()


def resumed(data: bytes | None, info_hash: str) -> lt.add_torrent_params:
    """What to add a torrent with; without usable data it begins anew."""
    if data is not None:
        try:
            return lt.read_resume_data(data)
        except (RuntimeError, ValueError) as error:
            log.warning("resume data of %s is damaged: %s", info_hash, error)
    return lt.add_torrent_params()
