"""What a session that starts again knows of the one before."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import libtorrent as lt
import pytest
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, many_files, peer, read_all

from p2ptube.swarm import Hashed, Torrent, parse_info
from p2ptube.swarm import session as session_module
from p2ptube.swarm.background import HELD_BACK

MIB = 1024 * 1024


async def part_of(film: Film, directory: Path, holder: Peer) -> tuple[bytes, str]:
    """Fetch a part; return the resume data and the pieces it stands for."""
    async with peer() as viewer:
        torrent = await viewer.fetch_from(film, directory, holder)
        await viewer.until(lambda: torrent.progress > 0.3)
    return viewer.resume[film.id], torrent.pieces()


def flip(path: Path, at: int) -> None:
    """Damage one byte of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0xFF]))


async def test_a_fetch_goes_on_where_it_was(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=1_500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        resume, pieces = await part_of(film, tmp_path / "B", holder)
        assert 0.3 < pieces.count("1") / len(pieces) < 1
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder, resume=resume)
        assert await read_all(torrent, 0, len(film.data)) == film.data
        await viewer.done(film.id)
        await torrent.flushed()
        assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data
        missing = len(film.data) - pieces.count("1") * film.hashed.piece_length
        assert sum(p.downloaded for p in torrent.peers()) <= missing


async def test_what_was_fetched_is_not_hashed_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=1_500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        resume, pieces = await part_of(film, tmp_path / "B", holder)
        damaged = pieces.index("1") * film.hashed.piece_length
        flip(tmp_path / "B" / "film.mp4", damaged)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder, resume=resume)
        await viewer.done(film.id)
        await torrent.flushed()
        fetched = (tmp_path / "B" / "film.mp4").read_bytes()
        # Only who hashes would have noticed, and fetched it again.
        assert [at for at, (a, b) in enumerate(zip(fetched, film.data, strict=True)) if a != b] == [
            damaged
        ]


async def test_a_part_that_is_gone_from_the_disk_is_fetched_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer(upload_limit=1_500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        resume, _ = await part_of(film, tmp_path / "B", holder)
        (tmp_path / "B" / "film.mp4").unlink()
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder, resume=resume)
        await viewer.done(film.id)
        await torrent.flushed()
        assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data


async def test_damaged_resume_data_costs_a_check_and_no_more(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer(upload_limit=1_500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        resume, _ = await part_of(film, tmp_path / "B", holder)
        torrent = await viewer.fetch_from(
            film, tmp_path / "B", holder, resume=resume[: len(resume) // 2]
        )
        await viewer.done(film.id)
        await torrent.flushed()
        assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data
        assert sum(p.downloaded for p in torrent.peers()) < len(film.data)


async def test_who_made_way_for_a_player_before_does_so_no_more(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as viewer:
        torrent = await viewer.fetch_from(film, tmp_path / "B")
        torrent.handle.set_download_limit(HELD_BACK)
    async with peer() as again:
        torrent = await again.fetch_from(film, tmp_path / "B", resume=viewer.resume[film.id])
        assert torrent.handle.download_limit() in {0, -1}
        assert not torrent.held_back


async def test_who_was_banned_before_gets_another_chance(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    film.path.write_bytes(random.Random(1).randbytes(len(film.data)))
    async with peer() as holder:
        holder.session.seed(film.hashed.info, film.path)
        async with peer() as viewer:
            torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
            async with asyncio.timeout(SECONDS):
                while not torrent.bans.is_over(holder.address.host, float("inf")):
                    await asyncio.sleep(0.05)
        await holder.session.remove(film.id)
        film.path.write_bytes(film.data)
        holder.session.seed(film.hashed.info, film.path)
        async with peer() as again:
            await again.fetch_from(film, tmp_path / "B", holder, resume=viewer.resume[film.id])
            await again.done(film.id)


async def test_resume_data_is_saved_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "RESUME_SECONDS", 0.1)
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.until(lambda: film.id in viewer.resume)
        assert torrent.progress < 1
        assert holder.resume == {}


async def test_seeds_are_there_at_once_and_without_hashing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    flip(film.path, 5)
    async with peer() as holder, peer() as viewer:
        shared = holder.session.seed(film.hashed.info, film.path)
        await holder.done(film.id)
        assert shared.progress == 1.0
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        # The others have their own eyes: the damaged piece is refused, the rest is taken.
        await viewer.until(lambda: torrent.pieces().count("1") == len(torrent.pieces()) - 1)
        assert torrent.pieces()[0] != "1"


# --- several files --------------------------------------------------------------------------------

SIZES = {"a/readme.txt": 200_000, "b/film.mkv": 2_500_000, "c/cover.bin": 3_000_000}


class Many:
    """A torrent of several files, all of which `directory` holds."""

    def __init__(self, directory: Path) -> None:
        self.info = many_files(directory, "many", SIZES, 65_536)
        self.layout = parse_info(self.info)
        self.directory = directory
        path = directory / self.layout.file_path
        hashed = Hashed(self.info, self.layout.info_hash, "", 65_536, path.stat().st_size, 0)
        self.film = Film(path, path.read_bytes(), hashed)

    def only_the_video(self, directory: Path, torrent: Torrent) -> None:
        """The directory holds the video as a whole, and no other file of the torrent."""
        assert (directory / self.layout.file_path).read_bytes() == self.film.data
        for other in SIZES:
            path = directory / "many" / other
            assert path == directory / self.layout.file_path or not path.exists()
        assert torrent.finished
        assert torrent.progress == 1.0


async def complete(holder: Peer, many: Many) -> None:
    """Share every file of a torrent."""
    holder.session.fetch(many.film.id, many.directory, info=many.info)
    await holder.done(many.film.id)


async def test_of_several_files_only_the_video_is_fetched(tmp_path: Path) -> None:
    many = Many(tmp_path / "A")
    assert many.layout.file_path == "many/b/film.mkv"
    async with peer() as holder, peer() as viewer:
        await complete(holder, many)
        torrent = await viewer.fetch_from(many.film, tmp_path / "B", holder)
        size = len(many.film.data)
        assert await read_all(torrent, 5, size - 7) == many.film.data[5 : size - 7]
        await viewer.done(many.film.id)
        assert await read_all(torrent, 0, size) == many.film.data
        await torrent.flushed()
        many.only_the_video(tmp_path / "B", torrent)
        assert sum(p.downloaded for p in torrent.peers()) < size + 4 * 65_536


async def test_of_a_bare_magnet_link_only_the_video_is_fetched(tmp_path: Path) -> None:
    many = Many(tmp_path / "A")
    async with peer() as holder, peer() as viewer:
        await complete(holder, many)
        torrent = viewer.session.fetch(many.film.id, tmp_path / "B")
        await viewer.dial(many.film.id, holder)
        await viewer.done(many.film.id)
        await torrent.flushed()
        many.only_the_video(tmp_path / "B", torrent)


async def test_the_fetch_of_a_video_among_files_goes_on(tmp_path: Path) -> None:
    many = Many(tmp_path / "A")
    async with peer(upload_limit=1_000_000) as holder, peer() as viewer:
        await complete(holder, many)
        resume, pieces = await part_of(many.film, tmp_path / "B", holder)
        assert "0" in pieces
        torrent = await viewer.fetch_from(many.film, tmp_path / "B", holder, resume=resume)
        await viewer.done(many.film.id)
        await torrent.flushed()
        many.only_the_video(tmp_path / "B", torrent)


async def test_a_video_among_files_is_shared_without_the_others(tmp_path: Path) -> None:
    many = Many(tmp_path / "A")
    async with peer(upload_limit=100_000) as holder, peer() as second, peer() as viewer:
        await complete(holder, many)
        alone = tmp_path / "B" / "film.mkv"
        alone.parent.mkdir()
        alone.write_bytes(many.film.data)
        shared = second.session.seed(many.info, alone)
        await second.done(many.film.id)
        assert shared.progress == 1.0
        # Of the pieces at the edges, it has only the half: they come from the other.
        torrent = await viewer.fetch_from(many.film, tmp_path / "C", holder, second)
        await viewer.done(many.film.id)
        await torrent.flushed()
        many.only_the_video(tmp_path / "C", torrent)
        gave = {p.address: p.downloaded for p in torrent.peers()}
        assert gave[str(second.address)] > len(many.film.data) / 2
        assert not second.failures
        assert sorted(p.name for p in alone.parent.iterdir()) == ["film.mkv"]


async def test_the_end_is_remembered_also_if_its_status_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        look = torrent.update_peers

        def look_at_all() -> None:
            torrent.status = torrent.handle.status()
            look()

        monkeypatch.setattr(torrent, "update_peers", look_at_all)
        await viewer.done(film.id)
        await viewer.until(lambda: film.id in viewer.resume)
        assert all(lt.read_resume_data(viewer.resume[film.id]).have_pieces)
