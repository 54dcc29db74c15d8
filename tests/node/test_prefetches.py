"""Prefetching over real sessions: what is wanted, for how long, and who comes first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.node.checks import assert_is_nothing
from tests.overlay.network import MemoryContent, network
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, many_files, peer

from p2ptube.errors import NotFound
from p2ptube.library import Library
from p2ptube.models import ClassicFile, Holder, PeerAddress
from p2ptube.node import prefetching
from p2ptube.node.catalog import Catalog, Remote
from p2ptube.node.metadata import Metadata
from p2ptube.node.prefetch_plan import LEAST_HEAD
from p2ptube.node.prefetching import Prefetches
from p2ptube.swarm import Torrent, parse_info
from p2ptube.swarm.ahead import is_here, moved
from p2ptube.swarm.reader import read

SIZE = 8_000_000


@dataclass
class Holding(MemoryContent):
    """What the overlay's holder has; it counts who asks for metadata."""

    asked: list[str] = field(default_factory=list)

    async def metadata(self, info_hash: str) -> bytes | None:
        self.asked.append(info_hash)
        return await super().metadata(info_hash)


@dataclass
class World:
    """A holder, and a session that fetches ahead into `directory`."""

    holder: Peer
    holding: Holding
    overlay_id: str
    swarm: Peer
    catalog: Catalog
    metadata: Metadata
    prefetches: Prefetches
    directory: Path

    def hears_of(self, info: bytes, *, reachable: bool = True) -> str:
        """A video that the holder has."""
        video_id = parse_info(info).info_hash
        self.holding.metadata_of[video_id] = info
        swarm = (str(self.holder.address),) if reachable else ()
        holder = Holder(peer=self.overlay_id, swarm=swarm)
        self.catalog.learn(Remote(video_id, holders={holder.peer: holder}))
        return video_id

    def torrent(self, video_id: str) -> Torrent | None:
        return self.swarm.session.get(video_id)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_here(self, video_id: str) -> None:
        def here() -> bool:
            torrent = self.torrent(video_id)
            return torrent is not None and bool(torrent.wanting.bound) and is_here(torrent)

        await self.until(here)

    async def until_gone(self, video_id: str) -> None:
        await self.until(lambda: self.torrent(video_id) is None and not self.directory.exists())


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetching, "LOOK_SECONDS", 0.05)


@contextlib.asynccontextmanager
async def worlds(tmp_path: Path, *, upload_limit: int = 0) -> AsyncIterator[World]:
    library = await Library.open(tmp_path / "library.sqlite")
    holding, catalog = Holding(), Catalog(library)
    directory = tmp_path / "videos" / ".prefetch"
    async with peer(upload_limit) as holder, peer() as swarm, network() as net:
        other, ours = await net.peer(holding), await net.peer()
        metadata = Metadata(ours, catalog)
        prefetches = Prefetches(swarm.session, metadata, catalog, directory, lambda: True)
        yield World(
            holder=holder,
            holding=holding,
            overlay_id=str(other.address),
            swarm=swarm,
            catalog=catalog,
            metadata=metadata,
            prefetches=prefetches,
            directory=directory,
        )
        await prefetches.stop()
        await metadata.stop()
    await library.close()
    assert_is_nothing(tmp_path / "videos")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds(tmp_path) as made:
        yield made


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[World]:
    """One whose holder needs seconds for a head."""
    async with worlds(tmp_path, upload_limit=100_000) as made:
        yield made


def shared(world: World, tmp_path: Path, name: str = "film.mkv") -> Film:
    film = make_film(tmp_path / "holder" / name, SIZE)
    world.holder.session.seed(film.hashed.info, film.path)
    return film


async def test_the_metadata_is_asked_for_once(world: World, tmp_path: Path) -> None:
    video_id = world.hears_of(shared(world, tmp_path).hashed.info)
    assert await world.prefetches.begin(video_id)
    assert await world.prefetches.begin(video_id)
    await world.until_here(video_id)
    # What BEP 9 brought first does not end the question.
    assert parse_info(await world.metadata.of(video_id) or b"").info_hash == video_id
    await world.prefetches.cancel(video_id)
    assert world.torrent(video_id) is None
    assert await world.prefetches.begin(video_id)
    await world.until_here(video_id)
    assert world.holding.asked == [video_id]


async def test_head_and_end_of_what_is_no_mp4(world: World, tmp_path: Path) -> None:
    video_id = world.hears_of(shared(world, tmp_path).hashed.info)
    assert await world.prefetches.begin(video_id)
    await world.until_here(video_id)
    torrent = world.torrent(video_id)
    assert torrent is not None
    assert torrent.layout is not None
    # Neither its length nor its bit rate is known: a usual one is assumed.
    head = -(-3 * 500_000 // torrent.layout.piece_length)
    last = torrent.layout.pieces - 1
    await world.until(lambda: last in (torrent.wanting.bound or ()))
    assert torrent.wanting.bound == frozenset({*range(head), last})
    await world.until_here(video_id)


async def test_a_lease_ends_unless_it_is_renewed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.hears_of(shared(world, tmp_path).hashed.info)
    second = world.hears_of(shared(world, tmp_path, "other.mkv").hashed.info)
    assert await world.prefetches.begin(first)
    await world.until_here(first)
    monkeypatch.setattr(prefetching, "LEASE_SECONDS", 0.0)
    assert await world.prefetches.begin(second)
    await world.until(lambda: world.torrent(second) is None)
    assert world.torrent(first) is not None
    assert await world.prefetches.begin(first)
    await world.until_gone(first)


async def test_what_is_watched_comes_first(slow: World, tmp_path: Path) -> None:
    watched = shared(slow, tmp_path, "watched.mkv")
    ahead = slow.hears_of(shared(slow, tmp_path).hashed.info)
    assert await slow.prefetches.begin(ahead)
    torrent = await slow.swarm.fetch_from(watched, tmp_path / "watched", slow.holder)
    async with contextlib.aclosing(read(torrent, 0, SIZE)) as chunks:
        waiting = asyncio.ensure_future(anext(chunks))
        await slow.until_gone(ahead)
        assert not await slow.prefetches.begin(ahead)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert await slow.prefetches.begin(ahead)


async def test_a_torrent_of_several_files_waits_for_a_choice(world: World, tmp_path: Path) -> None:
    info = many_files(tmp_path / "holder", "season", {"1.mkv": 300_000, "2.mkv": 400_000}, 16_384)
    video_id = world.hears_of(info)
    assert await world.prefetches.begin(video_id)
    await world.until_gone(video_id)


async def test_a_fetch_in_the_moment_of_leaving(world: World, tmp_path: Path) -> None:
    film = shared(world, tmp_path)
    video_id = world.hears_of(film.hashed.info)
    place = tmp_path / "place"
    for _ in range(3):
        assert await world.prefetches.begin(video_id)
        await world.until_here(video_id)
        leaving = asyncio.create_task(world.prefetches.cancel(video_id))
        await asyncio.sleep(0)
        torrent = await world.swarm.fetch_from(film, place, world.holder)
        torrent.wanting.begin()
        await leaving
        await world.swarm.done(video_id)
        await torrent.flushed()
        assert (place / "film.mkv").read_bytes() == film.data
        await world.until(lambda: not world.directory.exists())
        await world.swarm.session.remove(video_id)
        world.swarm.finished[video_id].clear()
        (place / "film.mkv").unlink()


async def test_what_was_taken_away_meanwhile_is_begun_anew(world: World, tmp_path: Path) -> None:
    video_id = world.hears_of(shared(world, tmp_path).hashed.info)
    assert await world.prefetches.begin(video_id)
    first = world.torrent(video_id)
    await world.swarm.session.remove(video_id)  # as when it is opened and deleted at once
    assert await world.prefetches.begin(video_id)
    assert world.torrent(video_id) not in {None, first}
    await world.until_here(video_id)


async def test_what_nobody_can_give(world: World, tmp_path: Path) -> None:
    video_id = world.hears_of(shared(world, tmp_path).hashed.info, reachable=False)
    assert not await world.prefetches.begin(video_id)
    classic = ClassicFile(file_name="f.mp4", holder=PeerAddress("127.0.0.1", 9))
    world.catalog.learn(Remote("c" * 40, classic=classic))
    assert not await world.prefetches.begin("c" * 40)
    with pytest.raises(NotFound):
        await world.prefetches.begin("d" * 40)
    await world.prefetches.cancel("d" * 40)


async def test_a_description_of_another_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that has what its publisher did not describe: nothing is taken of it."""
    video_id = world.hears_of(shared(world, tmp_path).hashed.info)
    monkeypatch.setattr(world.catalog, "described_size", lambda _: SIZE + LEAST_HEAD)
    assert await world.prefetches.begin(video_id)
    await world.until_gone(video_id)
    assert await world.metadata.of(video_id) is None


async def test_a_fetch_in_the_moment_in_which_the_beginning_is_read(
    world: World, tmp_path: Path
) -> None:
    """All of it is fetched from then on, and not what was wanted ahead."""
    film = shared(world, tmp_path)
    video_id = world.hears_of(film.hashed.info)
    assert await world.prefetches.begin(video_id)
    torrent = world.torrent(video_id)
    assert torrent is not None
    asked = asyncio.Event()
    beginning: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def piece(index: int) -> bytes:
        asked.set()
        return await beginning

    torrent.piece = piece  # type: ignore[method-assign]
    async with asyncio.timeout(SECONDS):
        await asked.wait()
    beginning.set_result(film.data[:65536])
    assert world.swarm.session.fetch(video_id, tmp_path / "place") is torrent
    await moved(torrent)
    await world.until(lambda: not world.directory.exists())
    assert torrent.wanting.bound is None
    await world.swarm.session.remove(video_id)
