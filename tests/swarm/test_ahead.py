"""Fetching ahead: some bytes only, nothing told, and a fetch that goes on with what is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, peer, read_all

from p2ptube.errors import Cancelled, StorageError
from p2ptube.swarm import Torrent
from p2ptube.swarm.ahead import is_here, moved, want_only

SIZE = 3_000_000


@pytest.fixture
async def holder() -> AsyncIterator[Peer]:
    async with peer() as started:
        yield started


@pytest.fixture
async def viewer() -> AsyncIterator[Peer]:
    async with peer() as started:
        yield started


@pytest.fixture
def film(holder: Peer, tmp_path: Path) -> Film:
    made = make_film(tmp_path / "holder" / "film.mp4", SIZE)
    holder.session.seed(made.hashed.info, made.path)
    return made


async def ahead(viewer: Peer, holder: Peer, film: Film, directory: Path) -> Torrent:
    """A torrent whose first 100 kB and last byte are here, and nothing else."""
    torrent = viewer.session.fetch_ahead(film.id, directory, film.hashed.info)
    await viewer.dial(film.id, holder)
    await torrent.wait_metadata()
    want_only(torrent, [(0, 100_000), (SIZE - 1, SIZE)])
    await viewer.until(lambda: is_here(torrent))
    return torrent


def pieces_here(torrent: Torrent) -> list[int]:
    return [index for index, piece in enumerate(torrent.pieces()) if piece == "1"]


def connections(torrent: Torrent) -> list[object]:
    return [info.local_endpoint() for info in torrent.handle.get_peer_info()]


async def test_only_what_is_wanted_comes_and_nothing_is_told(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = await ahead(viewer, holder, film, tmp_path / "ahead")
    assert torrent.layout is not None
    last = torrent.layout.pieces - 1
    here = pieces_here(torrent)
    assert here == [*range(-(-100_000 // torrent.layout.piece_length)), last]
    assert not torrent.finished
    assert not viewer.finished[film.id].is_set()
    assert torrent.handle.trackers() == []
    viewer.session.resume.ask(torrent)
    await viewer.session.remove(film.id)
    assert viewer.resume == {}


async def test_a_fetch_goes_on_with_pieces_and_connection(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = await ahead(viewer, holder, film, tmp_path / "ahead")
    adopted = asyncio.Event()
    torrent.on_adopted = adopted.set
    before = connections(torrent)
    same = viewer.session.fetch(film.id, tmp_path / "place", info=film.hashed.info, held=True)
    assert same is torrent
    assert adopted.is_set()
    assert await read_all(torrent, 0, 10) == film.data[:10]
    assert connections(torrent) == before != []
    torrent.wanting.begin()
    await viewer.done(film.id)
    await moved(torrent)
    await torrent.flushed()
    assert (tmp_path / "place" / "film.mp4").read_bytes() == film.data
    assert not (tmp_path / "ahead" / "film.mp4").exists()
    status = torrent.handle.status()
    assert status.total_payload_download < SIZE + 2 * torrent.layout.piece_length  # type: ignore[union-attr]


async def test_a_fetch_that_comes_before_the_metadata(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = viewer.session.fetch_ahead(film.id, tmp_path / "ahead", None)
    assert viewer.session.fetch(film.id, tmp_path / "place", held=True) is torrent
    await viewer.dial(film.id, holder)
    await torrent.wait_metadata()  # BEP 9, which being held back does not hinder
    torrent.set_metadata(film.hashed.info)  # late: it changes nothing
    torrent.wanting.begin()
    await viewer.done(film.id)
    await moved(torrent)
    await torrent.flushed()
    assert (tmp_path / "place" / "film.mp4").read_bytes() == film.data


async def test_metadata_from_elsewhere(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = viewer.session.fetch(film.id, tmp_path / "place")
    torrent.set_metadata(film.hashed.info)
    async with asyncio.timeout(SECONDS):
        assert (await torrent.wait_metadata()).file_size == SIZE
    await viewer.dial(film.id, holder)
    await viewer.done(film.id)


async def test_a_fetch_of_what_is_here_as_a_whole(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = viewer.session.fetch_ahead(film.id, tmp_path / "ahead", film.hashed.info)
    await viewer.dial(film.id, holder)
    want_only(torrent, [(0, SIZE)])
    await viewer.until(lambda: is_here(torrent))
    assert not torrent.finished
    viewer.session.fetch(film.id, tmp_path / "place")
    await viewer.done(film.id)
    await moved(torrent)
    assert (tmp_path / "place" / "film.mp4").read_bytes() == film.data


async def test_a_file_of_the_users_takes_its_place(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = await ahead(viewer, holder, film, tmp_path / "ahead")
    seed = viewer.session.seed(film.hashed.info, film.path)
    assert viewer.session.get(film.id) is seed
    with pytest.raises(Cancelled):
        await torrent.piece(0)
    await viewer.done(film.id)
    assert await read_all(seed, 0, SIZE) == film.data


async def test_whoever_waits_for_the_move_is_told_of_the_end(
    viewer: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = viewer.session.fetch_ahead(film.id, tmp_path / "ahead", film.hashed.info)
    viewer.session.fetch(film.id, tmp_path / "place")
    waiting = asyncio.create_task(moved(torrent))
    await viewer.session.remove(film.id, Cancelled("over"))
    with contextlib.suppress(Cancelled):  # it may have been quick
        async with asyncio.timeout(SECONDS):
            await waiting


async def test_a_place_that_cannot_be_written_to(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    torrent = await ahead(viewer, holder, film, tmp_path / "ahead")
    (tmp_path / "place").write_text("a file")
    viewer.session.fetch(film.id, tmp_path / "place")
    with pytest.raises(StorageError, match="cannot move"):
        async with asyncio.timeout(SECONDS):
            await moved(torrent)


async def test_a_fault_of_the_disk_before_does_not_concern_the_fetch(
    viewer: Peer, holder: Peer, film: Film, tmp_path: Path
) -> None:
    (tmp_path / "ahead").write_text("a file")
    torrent = viewer.session.fetch_ahead(film.id, tmp_path / "ahead", film.hashed.info)
    await viewer.dial(film.id, holder)
    want_only(torrent, [(0, 100_000)])
    async with asyncio.timeout(SECONDS):
        await viewer.failed[film.id].wait()
    assert torrent.error
    fetched = await viewer.fetch_from(film, tmp_path / "place", holder)
    assert not fetched.error
    await viewer.done(film.id)
    assert (tmp_path / "place" / "film.mp4").read_bytes() == film.data
