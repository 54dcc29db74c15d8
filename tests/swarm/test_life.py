"""Ends of all kinds: removal, stop, and what the disk or the port refuses."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.swarm.swarming import Film, make_film, open_files, peer, read_all, waiting_reader

from p2ptube.errors import Cancelled, NoHolder, OurBug, ProtocolViolation, StorageError
from p2ptube.swarm import Session, SwarmSettings

MIB = 1024 * 1024


def settings(host: str = "127.0.0.1", port: int = 0) -> SwarmSettings:
    return SwarmSettings(host=host, port=port, dht=False, lan=False)


# --- removal -------------------------------------------------------------------------------------


async def test_removal_ends_waiting_readers_with_the_reason(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as viewer:
        torrent = await viewer.fetch_from(film, tmp_path / "B")
        reading = [asyncio.create_task(read_all(torrent, at, MIB)) for at in (0, 70_000)]
        await waiting_reader(torrent)
        reason = NoHolder("nobody has it")
        await viewer.session.remove(film.id, reason)
        assert await asyncio.gather(*reading, return_exceptions=True) == [reason, reason]
        assert torrent.playheads() == ()
        assert viewer.session.get(film.id) is None


async def test_removal_ends_who_waits_for_metadata(tmp_path: Path) -> None:
    async with peer() as viewer:
        torrent = viewer.session.fetch("ab" * 20, tmp_path / "B")
        reading = asyncio.create_task(read_all(torrent, 0, 5))
        await asyncio.sleep(0)
        await viewer.session.remove("ab" * 20)
        with pytest.raises(Cancelled, match="removed"):
            await reading


async def test_a_removed_torrent_can_still_be_asked(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer(upload_limit=300_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        reading = asyncio.create_task(read_all(torrent, 0, MIB))
        await viewer.until(lambda: torrent.progress > 0)
        await viewer.session.remove(film.id)
        await viewer.session.remove(film.id)
        with pytest.raises(Cancelled):
            await reading
        torrent.update_peers()
        assert 0 < torrent.progress < 1
        assert "1" in torrent.pieces()
        assert torrent.peers()
        for asked in (torrent.flushed(), torrent.piece(0), torrent.wait_metadata()):
            with pytest.raises(Cancelled):
                await asked


async def test_added_and_removed_again_and_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        for _ in range(20):
            torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
            reading = asyncio.create_task(read_all(torrent, 0, 2 * MIB))
            await waiting_reader(torrent)
            # Not awaited: it is added again while libtorrent still works on the removal.
            removing = asyncio.create_task(viewer.session.remove(film.id))
            await asyncio.sleep(0)
            torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
            await asyncio.gather(reading, return_exceptions=True)
            assert await read_all(torrent, 0, 2 * MIB) == film.data
            await removing
            await viewer.session.remove(film.id)
            (tmp_path / "B" / "film.mp4").unlink()
        assert not viewer.failures


async def test_a_torrent_is_added_once(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as viewer:
        await viewer.fetch_from(film, tmp_path / "B")
        with pytest.raises(OurBug):
            viewer.session.seed(film.hashed.info, film.path)


async def test_metadata_of_another_torrent_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as viewer:
        with pytest.raises(ProtocolViolation):
            viewer.session.fetch("ab" * 20, tmp_path / "B", info=film.hashed.info)
        assert viewer.session.torrents() == []


# --- stop ----------------------------------------------------------------------------------------


async def busy(directory: Path, film: Film, *, yielding: bool) -> None:
    """Stop two sessions while readers wait, pieces fly, and names are resolved."""
    async with peer(upload_limit=500_000, yielding=yielding) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, directory, holder)
        viewer.session.fetch("ab" * 20, directory / "other")
        readings = [asyncio.create_task(read_all(torrent, at, 2 * MIB)) for at in (0, MIB)]
        await viewer.until(lambda: torrent.progress > 0)
        dialling = asyncio.create_task(viewer.dial(film.id, holder))
    assert viewer.resume.keys() == {film.id}
    for ended in await asyncio.gather(*readings, return_exceptions=True):
        assert isinstance(ended, Cancelled)
    await dialling


@pytest.mark.parametrize("yielding", [False, True])
async def test_stop_leaves_nothing_behind(tmp_path: Path, *, yielding: bool) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    await busy(tmp_path / "first", film, yielding=yielding)  # what Python opens once and keeps
    tasks, files = asyncio.all_tasks(), open_files()
    for number in range(3):
        await busy(tmp_path / str(number), film, yielding=yielding)
    assert asyncio.all_tasks() == tasks
    assert open_files() == files


# --- what is refused -----------------------------------------------------------------------------


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tasks, files = asyncio.all_tasks(), open_files()
        with pytest.raises(StorageError, match=str(port)):
            await Session(settings(port=port)).start()
        assert asyncio.all_tasks() == tasks
        assert open_files() == files
    session = Session(settings(port=port))
    assert await session.start() == port
    await session.stop()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(StorageError, match=host):
        await Session(settings(host)).start()


async def test_a_directory_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    (tmp_path / "file").touch()
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "file" / "B", holder)
        async with asyncio.timeout(30):
            await viewer.failed[film.id].wait()
        assert [info_hash for info_hash, _ in viewer.failures] == [film.id]
        assert torrent.error == viewer.failures[0][1]
        assert not torrent.finished
        await viewer.session.remove(film.id, StorageError(torrent.error))
        assert len(viewer.failures) == 1


@pytest.fixture
def small_files() -> Iterator[None]:
    """The system refuses to write beyond the first MiB of any file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_told_and_readers_end(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    film = make_film(tmp_path / "film.mp4", 3 * MIB)
    request.getfixturevalue("small_files")
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        reading = asyncio.create_task(read_all(torrent, 0, 3 * MIB))
        async with asyncio.timeout(30):
            await viewer.failed[film.id].wait()
        reason = StorageError(f"cannot write: {torrent.error}")
        await viewer.session.remove(film.id, reason)
        (ended,) = await asyncio.gather(reading, return_exceptions=True)
        # Or the piece that could not be written is the very one that it was reading.
        assert isinstance(ended, StorageError)
        assert len(viewer.failures) == 1
