"""Playing without keeping, with real sessions: the disk stays within the window."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, many_files, peer, read_all

from p2ptube.errors import Cancelled
from p2ptube.swarm import Torrent, alerts, parse_info
from p2ptube.swarm.holes import can_punch
from p2ptube.swarm.reader import read
from p2ptube.swarm.window import Round, Window, holes

MIB = 1024 * 1024
SIZE, WINDOW = 24 * MIB, 4 * MIB
# Whole blocks of the file system, and pieces that were asked for just when a plan changed.
SPARE = MIB


@pytest.fixture(autouse=True)
def capable(tmp_path: Path) -> None:
    if not can_punch(tmp_path):
        pytest.skip("the file system of the temporary directory cannot punch holes")


@pytest.fixture
def hash_failures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pieces that any session of the test got wrong."""
    failures: list[int] = []
    handlers: dict[Any, Any] = alerts._HANDLERS
    monkeypatch.setitem(
        handlers, lt.hash_failed_alert, lambda _, alert: failures.append(alert.piece_index)
    )
    return failures


def disk(directory: Path) -> int:
    """How many bytes of the disk the files below it take."""
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


class Viewing:
    """A viewer that keeps nothing, and how much of the disk it took at the worst moments."""

    def __init__(self, viewer: Peer, film: Film, directory: Path) -> None:
        self.peer = viewer
        self.torrent: Torrent = viewer.session.fetch(
            film.id, directory, info=film.hashed.info, bounded=True
        )
        self.window = Window(viewer.session, self.torrent, directory, WINDOW)
        self.peak = 0
        self.rounds: list[Round] = []
        self.round = asyncio.Event()
        self._directory = directory
        self.window.before_round = self.measure
        self.window.on_round = self._took

    def measure(self) -> None:
        self.peak = max(self.peak, disk(self._directory))

    def _took(self, one: Round) -> None:
        self.measure()
        self.rounds.append(one)
        self.round.set()


@asynccontextmanager
async def viewing(film: Film, directory: Path, holder: Peer) -> AsyncIterator[Viewing]:
    async with peer() as viewer:
        result = Viewing(viewer, film, directory)
        await viewer.dial(film.id, holder)
        try:
            yield result
        finally:
            await result.window.close()


async def test_a_long_film_never_takes_more_than_the_window(
    tmp_path: Path, hash_failures: list[int]
) -> None:
    """Meanwhile another viewer downloads from it what it has."""
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin, peer() as other:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            second = await other.fetch_from(film, tmp_path / "C", viewer.peer)
            position = 0
            async with asyncio.timeout(SECONDS), aclosing(read(viewer.torrent, 0, SIZE)) as chunks:
                async for chunk in chunks:
                    assert chunk == film.data[position : position + len(chunk)]
                    position += len(chunk)
            viewer.measure()
            assert position == SIZE
            assert viewer.peak <= WINDOW + SPARE
            assert SIZE / WINDOW <= len(viewer.rounds) <= 4 * SIZE / WINDOW
            assert not viewer.torrent.finished
            await other.until(lambda: second.progress > 0)
            # It goes on from what the window holds at the end, and from nobody else.
            assert hash_failures == []
            assert viewer.peer.failures == []


async def test_what_was_forgotten_is_fetched_again(
    tmp_path: Path, hash_failures: list[int]
) -> None:
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            for start in (20 * MIB, 0, 12 * MIB, 3 * MIB, 20 * MIB):
                expected = film.data[start : start + 3 * MIB]
                assert await read_all(viewer.torrent, start, start + 3 * MIB) == expected
                viewer.measure()
            assert viewer.peak <= WINDOW + SPARE
            layout = await viewer.torrent.wait_metadata()
            assert viewer.torrent.pieces().count("1") * layout.piece_length <= WINDOW + SPARE
            assert hash_failures == []


async def test_two_readers_share_the_window(tmp_path: Path) -> None:
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            halves = (0, 8 * MIB), (16 * MIB, SIZE)
            got = await asyncio.gather(*(read_all(viewer.torrent, *half) for half in halves))
            assert [bytes(part) for part in got] == [film.data[a:b] for a, b in halves]
            viewer.measure()
            assert viewer.peak <= WINDOW + SPARE


async def test_nobody_is_told_of_pieces_that_were_forgotten(tmp_path: Path) -> None:
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin, peer() as other:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            await read_all(viewer.torrent, 0, SIZE)
            await origin.session.remove(film.id)
            held = viewer.torrent.pieces()
            assert held[0] == "0"
            second = await other.fetch_from(film, tmp_path / "C", viewer.peer)
            await other.until(lambda: second.pieces().count("1") == held.count("1"))
            assert second.available() == held
            expected = film.data[-MIB:]
            assert await read_all(second, SIZE - MIB, SIZE) == expected


async def test_keep_after_all(tmp_path: Path, hash_failures: list[int]) -> None:
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            await read_all(viewer.torrent, 0, 12 * MIB)
            assert viewer.rounds
            await viewer.window.lift()
            await viewer.peer.done(film.id)
            await viewer.torrent.flushed()
            assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data
            assert hash_failures == []


async def test_give_up_what_was_to_be_kept(tmp_path: Path) -> None:
    """Nearly all of it is here already, while somebody reads."""
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin, peer() as viewer:
        origin.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", origin)
        async with asyncio.timeout(SECONDS), aclosing(read(torrent, 8 * MIB, SIZE)) as chunks:
            got = [await anext(chunks)]
            window = Window(viewer.session, torrent, tmp_path / "B", WINDOW)
            rounds = asyncio.Event()
            window.on_round = lambda _: rounds.set()
            got += [chunk async for chunk in chunks]
        assert b"".join(got) == film.data[8 * MIB :]
        if not torrent.finished:
            assert rounds.is_set()
            assert disk(tmp_path / "B") <= WINDOW + SPARE
        await window.close()


async def test_a_window_over_one_file_of_several(tmp_path: Path) -> None:
    names = {"a.txt": 100_000, "film.mp4": SIZE, "z.nfo": 70_000}
    info = many_files(tmp_path / "A", "pack", names, 65536)
    layout = parse_info(info)
    data = (tmp_path / "A" / "pack" / "film.mp4").read_bytes()
    async with peer() as origin, peer() as viewer:
        whole = origin.session.fetch(layout.info_hash, tmp_path / "A", info=info)
        # It has all files on its disk: checked, not fetched.
        whole.handle.force_recheck()
        await origin.done(layout.info_hash)
        torrent = viewer.session.fetch(layout.info_hash, tmp_path / "B", info=info, bounded=True)
        window = Window(viewer.session, torrent, tmp_path / "B", WINDOW)
        await viewer.dial(layout.info_hash, origin)
        assert await read_all(torrent, 0, SIZE) == data
        assert window.rounds
        assert disk(tmp_path / "B") <= WINDOW + SPARE + 2 * 65536
        assert await read_all(torrent, 0, MIB) == data[:MIB]
        await window.close()


async def test_before_a_player_comes_the_window_is_at_the_beginning_of_the_file(
    tmp_path: Path,
) -> None:
    info = many_files(tmp_path / "A", "pack", {"1.mp4": 2 * WINDOW, "2.mp4": 2 * WINDOW}, 65536)
    layout = parse_info(info, 1)
    data = (tmp_path / "A" / "pack" / "2.mp4").read_bytes()
    async with peer() as origin, peer() as viewer:
        whole = origin.session.fetch(layout.info_hash, tmp_path / "A", info=info, beside=(0, 1))
        whole.handle.force_recheck()
        await origin.done(layout.info_hash)
        torrent = viewer.session.fetch(
            layout.info_hash, tmp_path / "B", info=info, file=1, bounded=True
        )
        window = Window(viewer.session, torrent, tmp_path / "B", WINDOW)
        await viewer.dial(layout.info_hash, origin)
        first = layout.whole_pieces[0]
        expected = set(range(first, first + WINDOW // 65536))
        await viewer.until(lambda: torrent.have >= expected)
        assert await read_all(torrent, 0, MIB) == data[:MIB]
        await window.close()


async def test_removed_in_the_middle_of_a_round(tmp_path: Path) -> None:
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            removal: list[asyncio.Task[None]] = []
            session = viewer.peer.session
            viewer.window.before_round = lambda: removal.append(
                asyncio.ensure_future(session.remove(film.id, Cancelled("enough")))
            )
            with pytest.raises(Cancelled, match="enough"):
                await read_all(viewer.torrent, 0, SIZE)
            await asyncio.gather(*removal)
            assert session.get(film.id) is None
            assert viewer.peer.failures == []


async def test_a_disk_that_gives_no_space_back_ends_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("p2ptube.swarm.window.punch", refuse)
    film = make_film(tmp_path / "A" / "film.mp4", SIZE)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        async with viewing(film, tmp_path / "B", origin) as viewer:
            reading = asyncio.ensure_future(read_all(viewer.torrent, 0, SIZE))
            async with asyncio.timeout(SECONDS):
                await viewer.peer.failed[film.id].wait()
            assert "Input/output error" in viewer.peer.failures[0][1]
            reading.cancel()


def test_holes_lie_between_what_is_allowed(tmp_path: Path) -> None:
    info = many_files(tmp_path, "pack", {"a.txt": 100_000, "film.mp4": 10 * 65536}, 65536)
    layout = parse_info(info)
    first, end = layout.video_pieces
    cut = list(holes(frozenset({first, first + 4}), layout))
    counted = Counter(
        piece for start, stop in cut for piece in range((layout.file_offset + start) // 65536, end)
    )
    assert counted
    assert cut == [
        (2 * 65536 - 100_000, 5 * 65536 - 100_000),
        (6 * 65536 - 100_000, layout.file_size),
    ]
    assert list(holes(frozenset(range(first, end)), layout)) == []
