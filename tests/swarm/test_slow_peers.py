"""A player beside holders that are slow, or that fall silent without leaving."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from tests.swarm.gates import Gate, gate
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, peer

from p2ptube.models import PeerAddress
from p2ptube.swarm import Torrent
from p2ptube.swarm.guard import Guard
from p2ptube.swarm.pace import Pace
from p2ptube.swarm.reader import read
from p2ptube.swarm.scheduling import Scheduling
from p2ptube.swarm.shares import Endpoint

KB = 1000
RATE = 400 * KB  # of the film, bytes/s
SIZE = 2_000_000
BEGINNING = 300 * KB  # by then all holders have been asked for something


def begin(viewer: Peer, film: Film, directory: Path) -> Torrent:
    torrent = viewer.session.fetch(film.id, directory, info=film.hashed.info, held=True)
    torrent.pace = Pace(RATE)
    return torrent


async def watch(torrent: Torrent, film: Film, *gates: Gate) -> None:
    """Play to the end; when the beginning is here, the gates are shut for good."""
    got = bytearray()
    torrent.wanting.begin()
    async with asyncio.timeout(SECONDS):
        async for chunk in read(torrent, 0, len(film.data)):
            got += chunk
            if len(got) > BEGINNING:
                for each in gates:
                    each.shut()
    assert got == film.data


async def test_who_falls_silent_is_left(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", SIZE)
    async with (
        peer(upload_limit=600 * KB) as one,
        peer(upload_limit=600 * KB) as other,
        gate(other.address) as line,
        peer() as viewer,
    ):
        for holder in (one, other):
            holder.session.seed(film.hashed.info, film.path)
        torrent = begin(viewer, film, tmp_path / "got")
        await viewer.session.dial(film.id, [one.address, line.address])
        await watch(torrent, film, line)
        assert line.carried > 0


@pytest.fixture
def asked_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without deadlines, libtorrent asks nobody else for what one peer was asked for."""
    monkeypatch.setattr(Scheduling, "_hurry", lambda self, due: None)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> set[Endpoint]:
    """With whom connections were ended."""
    endpoints: set[Endpoint] = set()
    leave = Guard.leave

    def note(guard: Guard, late: set[Endpoint]) -> None:
        endpoints.update(late)
        leave(guard, late)

    monkeypatch.setattr(Guard, "leave", note)
    return endpoints


@pytest.mark.usefixtures("asked_of_one")
@pytest.mark.parametrize("silent", [True, False])
async def test_who_is_slow_is_left_and_nobody_else(
    tmp_path: Path, left: set[Endpoint], silent: bool
) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * SIZE)  # long enough not to be at its end by then
    async with (
        peer(upload_limit=KB) as slow,
        gate(slow.address) as line,
        peer(upload_limit=1000 * KB) as quick,
        peer() as viewer,
    ):
        for holder in (slow, quick):
            holder.session.seed(film.hashed.info, film.path)
        torrent = begin(viewer, film, tmp_path / "got")
        watching = asyncio.create_task(watch(torrent, film))
        await viewer.session.dial(film.id, [line.address])
        await viewer.until(lambda: torrent.pieces().startswith("2"))
        if silent:
            line.shut()
        await viewer.dial(film.id, quick)
        await watching
        assert left == {(line.address.host, line.address.port)}


async def test_a_crowd_goes_on_without_a_silent_seed_and_a_silent_leecher(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", SIZE)
    async with contextlib.AsyncExitStack() as stack:
        holders = [await stack.enter_async_context(peer(upload_limit=800 * KB)) for _ in "12"]
        viewers = [await stack.enter_async_context(peer(upload_limit=800 * KB)) for _ in "123"]
        silent = await stack.enter_async_context(gate(holders[1].address))
        mute = await stack.enter_async_context(gate(viewers[2].address))
        for holder in holders:
            holder.session.seed(film.hashed.info, film.path)
        torrents = [begin(v, film, tmp_path / str(n)) for n, v in enumerate(viewers)]
        names = [f"viewer {number}" for number in range(3)]
        for torrent, name in zip(torrents, names, strict=True):
            torrent.scheduling.share_among(name, set(names) - {name})
        first = [holders[0].address, silent.address, mute.address]
        await viewers[2].session.dial(film.id, first[:1])
        torrents[2].wanting.begin()
        for number in (0, 1):
            others: list[PeerAddress] = [viewers[0].address] if number else []
            await viewers[number].session.dial(film.id, first + others)
        await asyncio.gather(*(watch(each, film, silent, mute) for each in torrents[:2]))
        assert silent.carried > 0
        assert mute.carried > 0
