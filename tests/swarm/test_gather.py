"""In a crowd, a reader gives out the first bytes when the start of the video is safe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import libtorrent as lt
import pytest

from p2ptube.swarm import reader
from p2ptube.swarm.torrent import Torrent

LENGTH = 256 * 1024  # nearly two a second at the bit rate that is assumed where nobody tells one
PIECES = 200
SIZE = PIECES * LENGTH
HERE = 3  # pieces in which HERE_SECONDS begin
START = 5  # ... and START_SECONDS
SEED, LEECHER = lt.peer_info.seed, lt.peer_info.interesting


class Handle:
    """What libtorrent tells of a torrent with one seed and some leechers, and has read."""

    def __init__(self) -> None:
        self.torrent: Torrent | None = None
        self.held = [0] * PIECES  # how many leechers have each piece
        self.peers = [SEED, LEECHER, LEECHER]

    def torrent_file(self) -> lt.torrent_info:
        """Its metadata."""
        info: Any = {
            b"name": b"film.mp4",
            b"length": SIZE,
            b"piece length": LENGTH,
            b"pieces": bytes(20 * PIECES),
        }
        return lt.torrent_info(lt.bencode({b"info": info}))

    def get_peer_info(self) -> list[SimpleNamespace]:
        """Who is connected."""
        return [SimpleNamespace(flags=flags) for flags in self.peers]

    def piece_availability(self) -> list[int]:
        """How many peers have each piece."""
        return [held + self.peers.count(SEED) for held in self.held]

    def status(self) -> SimpleNamespace:
        """Nothing is here at first."""
        return SimpleNamespace(is_finished=False, pieces=[False] * PIECES)

    def read_piece(self, index: int) -> None:
        """It is read at once."""
        assert self.torrent is not None
        self.torrent.on_read(index, bytes(LENGTH), "")

    def set_piece_deadline(self, index: int, milliseconds: int) -> None:
        """Nothing comes by itself."""

    def clear_piece_deadlines(self) -> None:
        """Nothing is on its way."""

    def prioritize_pieces(self, priorities: list[tuple[int, int]]) -> None:
        """Nothing comes by itself."""


class Viewer:
    """A torrent and whoever reads it from an offset on."""

    def __init__(self, start: int) -> None:
        self.handle = Handle()
        told: Any = self.handle
        self.torrent = self.handle.torrent = Torrent(told, "00" * 20)
        self.torrent.on_checked()
        self.chunks = reader.read(self.torrent, start, SIZE)
        self.first = asyncio.ensure_future(anext(self.chunks))

    async def is_given(self) -> bool:
        """Whether the first bytes are given out when everything has happened that can."""
        for _ in range(100):
            await asyncio.sleep(0)
        return self.first.done()

    async def arrive(self, *pieces: int) -> bool:
        """Pieces come. Return whether the first bytes were given out."""
        for piece in pieces:
            self.torrent.on_piece(piece)
        return await self.is_given()

    def hold(self, *pieces: int) -> None:
        """Another leecher has these pieces now."""
        for piece in pieces:
            self.handle.held[piece] += 1


@contextlib.asynccontextmanager
async def viewer(start: int = 0, *, crowd: bool = True) -> AsyncIterator[Viewer]:
    """Somebody who has nothing yet."""
    result = Viewer(start)
    if crowd:
        result.torrent.scheduling.share_among("a", {"b", "c"})
    assert result.torrent.scheduling.sharing == crowd
    try:
        yield result
    finally:
        result.first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await result.first
        await result.chunks.aclose()
        result.torrent.scheduling.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, patience is not over."""
    monkeypatch.setattr(reader, "MORE_PATIENCE_SECONDS", 1000.0)


async def test_alone_the_first_piece_is_given_out_at_once() -> None:
    async with viewer(crowd=False) as alone:
        assert not await alone.is_given()
        assert await alone.arrive(0)


async def test_in_a_crowd_the_first_moment_must_be_here_whoever_has_the_rest() -> None:
    async with viewer() as one:
        one.hold(*range(PIECES))
        assert not await one.arrive(*range(HERE - 1))
        assert await one.arrive(HERE - 1)
        assert await one.first == bytes(LENGTH)


async def test_in_a_crowd_the_rest_of_the_start_must_be_held_by_somebody() -> None:
    async with viewer() as one:
        one.hold(START - 1)
        assert not await one.arrive(*range(HERE))  # nobody has the next one
        assert await one.arrive(HERE)  # and the last one somebody has
    async with viewer() as one:
        assert not await one.arrive(*range(START - 1))
        assert await one.arrive(START - 1)  # now all of it is here


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MORE_PATIENCE_SECONDS", -reader.START_SECONDS)
    async with viewer() as one:
        assert await one.arrive(0)


async def test_after_a_seek_in_a_crowd_nothing_is_gathered() -> None:
    async with viewer(10 * LENGTH) as one:
        assert await one.arrive(10)


async def test_a_piece_is_held_where_it_is_here_or_a_leecher_has_it() -> None:
    async with viewer() as one:
        scheduling = one.torrent.scheduling
        assert not scheduling.are_held(range(1))  # the seed does not count
        one.hold(0, 2)
        await one.arrive(1, 4)
        assert scheduling.are_held(range(3))
        assert scheduling.are_held(range(0))
        assert not scheduling.are_held(range(4))
        assert not scheduling.are_held(range(3, 5))
        one.hold(3)
        assert scheduling.are_held(range(5))
        one.handle.held = []  # it is not known any more
        assert scheduling.are_held(range(1, 2))
        assert not scheduling.are_held(range(2))
