"""Real sessions on loopback and what they tell, for the tests of the swarm."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libtorrent as lt

from p2ptube.models import PeerAddress
from p2ptube.swarm import Hashed, Session, SwarmSettings, Torrent, hash_file
from p2ptube.swarm.reader import read

SECONDS = 30


class Peer:
    """A session and what its callbacks said."""

    def __init__(self, settings: SwarmSettings) -> None:
        self.session = Session(settings)
        self.address = PeerAddress("127.0.0.1", 0)
        self.finished: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.failed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.failures: list[tuple[str, str]] = []
        self.resume: dict[str, bytes] = {}
        self._changed = asyncio.Event()
        self.session.on_finished = self._finished
        self.session.on_failed = self._failed
        self.session.resume.on_data = self._resume
        self.session.on_update = lambda _: self._changed.set()

    def _finished(self, info_hash: str) -> None:
        self.finished[info_hash].set()
        self._changed.set()

    def _failed(self, info_hash: str, reason: str) -> None:
        self.failures.append((info_hash, reason))
        self.failed[info_hash].set()

    def _resume(self, info_hash: str, data: bytes) -> None:
        self.resume[info_hash] = data
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the session's updates until the condition holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def done(self, info_hash: str) -> None:
        """Wait until the torrent is complete, and on the disk: all pieces are here before that."""
        async with asyncio.timeout(SECONDS):
            await self.finished[info_hash].wait()
            torrent = self.session.get(info_hash)
            if torrent is not None:
                await torrent.flushed()

    async def fetch_from(
        self, film: Film, directory: Path, *holders: Peer, resume: bytes | None = None
    ) -> Torrent:
        """Begin to fetch a film whose metadata is known."""
        torrent = self.session.fetch(
            film.hashed.info_hash, directory, info=film.hashed.info, resume=resume
        )
        await self.dial(film.hashed.info_hash, *holders)
        return torrent

    async def dial(self, info_hash: str, *holders: Peer) -> None:
        """Tell the session about holders."""
        await self.session.dial(info_hash, [holder.address for holder in holders])


@contextlib.asynccontextmanager
async def peer(
    upload_limit: int = 0, download_limit: int = 0, **settings: Any
) -> AsyncIterator[Peer]:
    """A session on a free port of 127.0.0.1. Limits in bytes/s hold on loopback, too.

    `settings` are further ones of SwarmSettings.
    """
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "dht": False,
        "lan": False,
        "upload_limit": upload_limit,
        "download_limit": download_limit,
        "limit_lan": bool(upload_limit or download_limit),
    }
    result = Peer(SwarmSettings(**usual | settings))
    result.address = PeerAddress("127.0.0.1", await result.session.start())
    try:
        yield result
    finally:
        await result.session.stop()


@dataclass(frozen=True)
class Film:
    """A file that can be shared."""

    path: Path
    data: bytes
    hashed: Hashed

    @property
    def id(self) -> str:
        """The info-hash."""
        return self.hashed.info_hash


def make_film(path: Path, size: int, seed: int = 0) -> Film:
    """A file of `size` random bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = random.Random(f"{path.name} {seed}").randbytes(size)
    path.write_bytes(data)
    return Film(path, data, hash_file(path, lambda _: None))


def many_files(directory: Path, name: str, sizes: dict[str, int], piece_length: int) -> bytes:
    """Write the files of a torrent of several files below `directory`; return its metadata."""
    entries = []
    for path, size in sizes.items():
        target = directory / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(random.Random(path).randbytes(size))
        entries.append(lt.create_file_entry(f"{name}/{path}", size))
    creator = lt.create_torrent(entries, piece_length, lt.create_torrent.v1_only)
    lt.set_piece_hashes(creator, str(directory), lambda _: None)
    return lt.bencode(creator.generate()[b"info"])


async def read_all(torrent: Torrent, start: int, end: int) -> bytes:
    """What a reader yields."""
    async with asyncio.timeout(SECONDS):
        return b"".join([chunk async for chunk in read(torrent, start, end)])


async def waiting_reader(torrent: Torrent) -> None:
    """Let the loop run until a reader is at work."""
    async with asyncio.timeout(SECONDS):
        while not torrent.playheads():
            await asyncio.sleep(0)


def open_files() -> int:
    """How many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
