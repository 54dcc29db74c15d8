"""Sessions of libtorrent that exchange real bytes over loopback."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.swarm.swarming import SECONDS, make_film, peer, read_all, waiting_reader

from p2ptube.models import PeerAddress
from p2ptube.swarm import magnet_link, parse_info
from p2ptube.swarm.lost_alerts import catch_up
from p2ptube.swarm.reader import read

MIB = 1024 * 1024


# --- fetch --------------------------------------------------------------------------------------


async def test_a_fetched_file_is_the_shared_one(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 5 * MIB + 123)
    async with peer() as holder, peer() as viewer:
        shared = holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.done(film.id)
        await holder.done(film.id)
        await torrent.flushed()

        assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data
        assert torrent.info == film.hashed.info
        assert (torrent.progress, shared.progress) == (1.0, 1.0)
        assert set(torrent.pieces()) == set(shared.pieces()) == {"1"}
        assert await read_all(torrent, 0, len(film.data)) == film.data
        (gave,) = torrent.peers()
        assert gave.address == str(holder.address)
        assert gave.transport == "tcp"
        assert gave.client.startswith("p2ptube/")
        assert gave.downloaded >= len(film.data)


async def test_two_limited_holders_both_give(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 3 * MIB)
    async with peer(1_000_000) as one, peer(1_000_000) as other, peer() as viewer:
        shared = [p.session.seed(film.hashed.info, film.path) for p in (one, other)]
        torrent = await viewer.fetch_from(film, tmp_path / "B", one, other)
        await viewer.done(film.id)
        for holder in shared:
            assert sum(p.uploaded for p in holder.peers()) > len(film.data) / 10
        gave = {p.address: p.downloaded for p in torrent.peers()}
        assert gave.keys() == {str(one.address), str(other.address)}
        assert min(gave.values()) > len(film.data) / 5


async def test_what_connected_peers_have_is_told(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer(500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B")
        await viewer.until(lambda: torrent.available() == "0" * len(torrent.pieces()))
        await viewer.dial(film.id, holder)
        await viewer.until(lambda: torrent.available() == "1" * len(torrent.pieces()))
        assert not torrent.finished
        await viewer.done(film.id)
        assert torrent.available() == ""


async def test_what_lost_alerts_would_have_told_is_asked_for(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer(500_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.until(lambda: "1" in torrent.pieces())
        index = torrent.pieces().index("1")
        torrent.have.discard(index)  # as if its alert had never come
        reading = asyncio.create_task(torrent.piece(index))
        await asyncio.sleep(0)
        catch_up(torrent)
        length = film.hashed.piece_length
        async with asyncio.timeout(SECONDS):
            assert await reading == film.data[index * length : (index + 1) * length]
        assert not torrent.finished


async def test_metadata_comes_from_the_swarm(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        link = magnet_link(film.id, "film.mp4") + f"&x.pe={holder.address}"
        torrent = viewer.session.fetch(film.id, tmp_path / "B", magnet=link)
        assert torrent.layout is None
        assert (torrent.info, torrent.progress, torrent.pieces()) == (None, 0.0, "")
        data = await read_all(torrent, 100, len(film.data))
        assert data == film.data[100:]
        assert torrent.info == film.hashed.info
        assert torrent.layout == parse_info(film.hashed.info)


async def test_names_of_holders_are_resolved_and_useless_ones_ignored(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        await viewer.fetch_from(film, tmp_path / "B")
        useless = [("no.such.host.invalid", 5), ("x" * 80, 5), ("127.0.0.1", 0), ("::1", 9)]
        addresses = [PeerAddress(*address) for address in useless]
        addresses.append(PeerAddress("localhost", holder.address.port))
        await viewer.session.dial(film.id, addresses)
        await viewer.done(film.id)
        await viewer.session.dial("ab" * 20, addresses)  # a torrent that is not there


async def test_one_of_a_hundred_seeds_is_fetched(tmp_path: Path) -> None:
    films = [make_film(tmp_path / f"{n}.mp4", 70_000) for n in range(100)]
    async with peer() as holder, peer() as viewer:
        for film in films:
            holder.session.seed(film.hashed.info, film.path)
        await viewer.fetch_from(films[42], tmp_path / "B", holder)
        await viewer.done(films[42].id)
        assert (tmp_path / "B" / "42.mp4").stat().st_size == 70_000
        for film in films:
            await holder.done(film.id)
        assert len(holder.session.torrents()) == 100


ODD_NAMES = (
    "a b%20c+&?#.mp4",
    "Ein Fïlm \N{SNOWMAN} 映画.mp4",
    "dots.mp4...",
    "...hidden.mp4",
    "right-to-left \u202egpj.mp4",
    "\u200e\u200f marks.mp4",
    "cafe\u0301.mp4",
    "-rf.mp4",
    "CON.mp4",
    "quotes\"'<>|*:.mp4",
    " spaces .mp4 ",
    "ä" * 125 + "b.mp4",
    "no suffix",
)


async def test_odd_names_are_shared_in_place_and_fetched(tmp_path: Path) -> None:
    assert max(len(name.encode()) for name in ODD_NAMES) == 255
    films = [make_film(tmp_path / "A" / name, 100_000) for name in ODD_NAMES]
    async with peer() as holder, peer() as viewer:
        for number, film in enumerate(films):
            holder.session.seed(film.hashed.info, film.path)
            torrent = await viewer.fetch_from(film, tmp_path / str(number), holder)
            await viewer.done(film.id)
            await torrent.flushed()
            assert torrent.layout is not None
            fetched = tmp_path / str(number) / torrent.layout.file_path
            assert fetched.read_bytes() == film.data, film.path.name
    assert sorted(p.name for p in (tmp_path / "A").iterdir()) == sorted(ODD_NAMES)


# --- readers --------------------------------------------------------------------------------------


async def test_readers_at_many_places_at_once(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB + 5)
    size = len(film.data)
    ranges = [(0, size), (size - 1, size), (5, 6), (65_535, 65_537), (3 * MIB, 3 * MIB + 500_000)]
    ranges += [(start, min(size, start + 300_000)) for start in range(1, size, 777_777)]
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        got = await asyncio.gather(*(read_all(torrent, *bounds) for bounds in ranges))
        assert got == [film.data[start:end] for start, end in ranges]
        assert await read_all(torrent, 7, 7) == b""
        assert torrent.playheads() == ()


async def test_the_first_bytes_come_long_before_the_rest(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=400_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, 0, 4 * MIB)) as chunks:
            first = await anext(chunks)
            assert film.data.startswith(first)
            assert torrent.progress < 0.3
            assert torrent.playheads() == (len(first),)


async def test_a_jump_takes_effect_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mp4", 8 * MIB)
    arrived: list[int] = []
    async with peer(upload_limit=800_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        handle = torrent.on_piece

        def on_piece(piece: int) -> None:
            arrived.append(piece)
            handle(piece)

        monkeypatch.setattr(torrent, "on_piece", on_piece)
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, 0, 8 * MIB)) as chunks:
            await anext(chunks)
        at_jump = len(arrived)
        target = 100 * 65_536
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, target, 8 * MIB)) as chunks:
            assert film.data[target:].startswith(await anext(chunks))
        # What was under way may still come, but not the many pieces between.
        between = [piece for piece in arrived[at_jump : arrived.index(100)] if 10 < piece < 100]
        assert len(between) < 30
        assert torrent.progress < 0.6


async def test_a_playhead_tells_whether_its_player_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)

    async def piece(index: int) -> bytes:
        if index > 0:
            await asyncio.Event().wait()
        return film.data[:65_536]

    async with peer() as viewer:
        torrent = await viewer.fetch_from(film, tmp_path / "B")
        monkeypatch.setattr(torrent, "piece", piece)
        async with aclosing(read(torrent, 0, MIB)) as chunks:
            await anext(chunks)
            assert [head.asks for head in torrent.scheduling.playheads.values()] == [False]
            waiting = asyncio.ensure_future(anext(chunks))
            await asyncio.sleep(0)
            assert [head.asks for head in torrent.scheduling.playheads.values()] == [True]
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_a_closed_reader_leaves_nothing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=400_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        tasks = asyncio.all_tasks()
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, 0, 4 * MIB)) as chunks:
            await anext(chunks)
            assert asyncio.all_tasks() - tasks
        assert asyncio.all_tasks() <= tasks
        assert torrent.playheads() == ()
        assert not torrent.scheduling.deadlines
        assert not torrent.reads.bytes_at_hand

        reading = asyncio.create_task(read_all(torrent, 3 * MIB, 4 * MIB))
        await waiting_reader(torrent)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert asyncio.all_tasks() <= tasks
        assert torrent.playheads() == ()
        assert not torrent.scheduling.deadlines


async def test_what_a_reader_keeps_in_memory_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2ptube.swarm.piece_reads.CACHE_BYTES", 200_000)
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        data = b""
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, 0, 2 * MIB)) as chunks:
            async for chunk in chunks:
                data += chunk
                assert torrent.reads.bytes_at_hand <= 200_000
        assert data == film.data
