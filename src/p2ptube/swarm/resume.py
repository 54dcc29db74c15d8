"""Resume data: what libtorrent needs to go on with a fetch where it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable

import libtorrent as lt

from ..errors import StorageError
from .torrent import Torrent

MOST_ANSWERS = 4

log = logging.getLogger(__name__)


class ResumeData:
    """Asks for the resume data of torrents; `on_data` gets an info-hash and what came."""

    def __init__(self) -> None:
        self.on_data: Callable[[str, bytes], None] = lambda info_hash, data: None
        self._open = Counter[str]()  # questions to which there was no answer, each has one
        self._all_came = asyncio.Event()
        self._awaited: dict[str, asyncio.Future[bytes | None]] = {}

    def ask(self, torrent: Torrent, *, only_if_modified: bool = False) -> None:
        """Ask for that of a torrent, unless it has nothing to go on with.

        What is shared knows its own file only: what is here of the others of its torrent is told
        by the data from when that was fetched.
        """
        if torrent.shared or torrent.finished or torrent.ahead or torrent.layout is None:
            return
        flags = lt.save_resume_flags_t.save_info_dict | lt.save_resume_flags_t.flush_disk_cache
        if only_if_modified:
            flags |= lt.save_resume_flags_t.only_if_modified
        self._open[torrent.info_hash] += 1
        torrent.handle.save_resume_data(flags)

    def came(self, info_hash: str, data: bytes | None) -> None:
        """An answer; None where there was nothing new."""
        self._open[info_hash] -= 1
        if self._open[info_hash] <= 0:
            del self._open[info_hash]
        awaited = self._awaited.pop(info_hash, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(data)
        if not self._open:
            self._all_came.set()
        if data is not None:
            self.on_data(info_hash, data)

    def gone(self, info_hash: str) -> None:
        """A torrent was removed: nothing is to be waited for."""
        del self._open[info_hash]
        self.came(info_hash, None)

    def lost(self) -> None:
        """Answers may have been lost: none of those that are open is to be waited for."""
        for info_hash in list(self._open):
            self.gone(info_hash)

    async def take(self, torrent: Torrent, seconds: float) -> bytes:
        """The resume data of a torrent, once what it has is on the disk.

        Raises StorageError where libtorrent does not tell it, TimeoutError after so many seconds.
        """
        async with asyncio.timeout(seconds):
            # The answer may be to a question from before, for what has changed since.
            for _ in range(MOST_ANSWERS):
                self.ask(torrent)
                answer = asyncio.get_running_loop().create_future()
                answer = self._awaited.setdefault(torrent.info_hash, answer)
                data = await asyncio.shield(answer)
                if data is not None:
                    return data
                if torrent.standing() is None:
                    break  # it was removed
        raise StorageError("libtorrent does not tell what it has of the video")

    async def settle(self, seconds: float) -> None:
        """Wait so long at most until all that was asked for has come."""
        if self._open:
            self._all_came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._all_came.wait()


def resumed(data: bytes | None, info_hash: str) -> lt.add_torrent_params:
    """What to add a torrent with; without usable data it begins anew."""
    if data is not None:
        try:
            params = lt.read_resume_data(data)
            params.piece_priorities = []  # of that moment: see scheduling.py
            return params
        except (RuntimeError, ValueError) as error:
            log.warning("resume data of %s is damaged: %s", info_hash, error)
    return lt.add_torrent_params()
