"""Fetches of a node in this process, whatever the disk, the library and the overlay do."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.node.checks import assert_is_nothing
from tests.node.in_process import running, until
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, many_files, peer

from p2ptube.errors import StorageError
from p2ptube.models import Found, Holder, VideoState
from p2ptube.node import disk_room, fetching
from p2ptube.node.catalog import Remote
from p2ptube.node.node import Node
from p2ptube.node.views import VideoView
from p2ptube.swarm import parse_info
from p2ptube.swarm.publish import sha256_of

SIZE = 3_000_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path / "node") as made:
        yield made


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return make_film(tmp_path / "film.mp4", SIZE)


def hears_of(node: Node, film: Film, holder: Peer, *, info: bool = True) -> None:
    """The node learns who has the film: a peer of the swarm that is in no overlay."""
    known = Holder(peer="127.0.0.1:1", swarm=(str(holder.address),))
    metadata = film.hashed.info if info else None
    node._catalog.learn(Remote(film.id, holders={known.peer: known}, info=metadata, title="a link"))


async def until_over(node: Node, video_id: str) -> VideoView:
    await until(lambda: node._videos.get(video_id).state is not VideoState.FETCHING)
    return node._videos.get(video_id)


async def test_what_is_here_needs_no_room_again(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with peer(upload_limit=1_000_000) as holder:
        holder.session.seed(film.hashed.info, film.path)
        async with running(tmp_path / "node") as node:
            hears_of(node, film, holder)
            await node.fetch(film.id)
            await until(lambda: node._videos.get(film.id).progress > 0.4)
        whole = shutil.disk_usage(tmp_path)
        left = whole._replace(free=disk_room.SPARE_BYTES + int(0.7 * SIZE))
        monkeypatch.setattr("p2ptube.node.disk_room.shutil.disk_usage", lambda _: left)
        async with running(tmp_path / "node") as node:
            hears_of(node, film, holder)
            assert (await until_over(node, film.id)).state is VideoState.COMPLETE
            # Another one as large does not fit.
            other = make_film(tmp_path / "other.mp4", SIZE)
            hears_of(node, other, holder)
            await node.fetch(other.id)
            assert "the disk is full" in (await until_over(node, other.id)).detail


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holders are dialled, and at first looked for, many times a second."""
    monkeypatch.setattr(fetching, "REDIAL_SECONDS", 0.01)
    monkeypatch.setattr(fetching, "FIRST_LOOK_SECONDS", 0.02)


@pytest.mark.usefixtures("hasty")
async def test_trouble_with_the_library_does_not_end_the_search_for_holders(
    node: Node, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0
    update = node._catalog.update

    async def fails(video_id: str, **changes: Any) -> Any:
        nonlocal failures
        if set(changes) != {"detail"}:
            return await update(video_id, **changes)
        failures += 1
        raise StorageError("the disk is full")

    monkeypatch.setattr(node._catalog, "update", fails)
    node._catalog.learn(Remote(film.id, info=film.hashed.info))
    await node.fetch(film.id)
    await until(lambda: failures > 2)
    async with peer() as holder:
        holder.session.seed(film.hashed.info, film.path)
        known = Holder(peer="127.0.0.1:1", swarm=(str(holder.address),))
        await update(film.id, holders=(known,))
        assert (await until_over(node, film.id)).state is VideoState.COMPLETE


async def test_a_failure_that_cannot_be_noted_is_logged(
    node: Node, film: Film, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(video_id: str, **changes: Any) -> Any:
        raise StorageError("the library cannot be written")

    monkeypatch.setattr(node._catalog, "update", fails)
    left = shutil.disk_usage(film.path)._replace(free=0)
    monkeypatch.setattr("p2ptube.node.disk_room.shutil.disk_usage", lambda _: left)
    node._catalog.learn(Remote(film.id, info=film.hashed.info))
    await node.fetch(film.id)
    task = node._fetches._tasks.get(film.id)
    assert task is not None
    await task  # raises nothing
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert any("the disk is full" in each for each in said), said


@pytest.mark.usefixtures("hasty")
async def test_who_is_alone_dials_often_and_asks_everybody_ever_more_seldom(
    node: Node, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MORE_HOLDERS_SECONDS", 3600.0)
    dials, finds = 0, 0
    dial = node._session.dial

    async def counted(*args: Any, **kinds: Any) -> None:
        nonlocal dials
        dials += 1
        await dial(*args, **kinds)

    async def find(text: str) -> AsyncGenerator[Found, None]:
        nonlocal finds
        finds += 1
        nobody: tuple[Found, ...] = ()
        for found in nobody:
            yield found

    monkeypatch.setattr(node._session, "dial", counted)
    monkeypatch.setattr(node._peer, "find", find)
    node._catalog.learn(Remote(film.id, info=film.hashed.info))
    await node.fetch(film.id)
    await until(lambda: dials > 100)
    # So many doublings would be an hour.
    assert 1 < finds < 18


async def test_the_end_of_a_node_does_not_wait_for_a_hash(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over, pause = threading.Event(), threading.Event(), threading.Event()

    def endless(path: Path, is_over: Callable[[], bool]) -> str:
        begun.set()
        while not is_over():
            pause.wait(0.01)
        over.set()
        return sha256_of(path)

    monkeypatch.setattr(fetching, "sha256_of", endless)
    async with peer() as holder, running(tmp_path / "node") as node:
        holder.session.seed(film.hashed.info, film.path)
        hears_of(node, film, holder)
        await node.fetch(film.id)
        await until(begun.is_set)
    await until(over.is_set)


async def test_what_a_fetch_that_cannot_go_on_says(node: Node, film: Film) -> None:
    """It was no disk that could not be written to, as far as anybody knows."""
    node._catalog.learn(Remote(film.id, info=film.hashed.info))
    await node.fetch(film.id)
    await until(lambda: node._session.get(film.id) is not None)
    node._session.on_failed(film.id, "Input/output error")
    assert (await until_over(node, film.id)).detail == "the fetch cannot go on: Input/output error"


@pytest.mark.parametrize("which", [0, 1])
async def test_the_first_stream_of_a_link_has_the_name_and_type_of_the_file(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """Also before the record says them: what is read once more has the same ETag."""
    sizes = [(300_000, 200_000), (200_000, 300_000)][which]
    files = {f"{number}.webm": size for number, size in enumerate(sizes)}
    info = many_files(tmp_path, "season", files, 16_384)
    video_id = parse_info(info).info_hash
    written = asyncio.Event()
    update = node._catalog.update

    async def slow(video_id: str, **changes: Any) -> Any:
        if "path" in changes:
            await written.wait()
        return await update(video_id, **changes)

    monkeypatch.setattr(node._catalog, "update", slow)
    link = f"magnet:?xt=urn:btih:{video_id}&dn=a+link"
    node._catalog.learn(Remote(video_id, title="a link", magnet=link))
    await node.fetch(video_id)
    await until(lambda: node._session.get(video_id) is not None)
    torrent = node._session.get(video_id)
    assert torrent is not None
    torrent.set_metadata(info)
    first = await node.open_stream(video_id)
    assert node._catalog.own(video_id).file_name == "a link"
    written.set()
    await until(lambda: node._catalog.own(video_id).file_name != "a link")
    for content in (first, await node.open_stream(video_id)):
        assert (content.file_name, content.media_type) == (f"{which}.webm", "video/webm")
        assert (content.size, content.etag) == (300_000, ['"%s"', '"%s-1"'][which] % video_id)


async def test_several_look_into_one_torrent_at_once(
    node: Node, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hangs up, and whoever begins to fetch it meanwhile, disturbs nobody."""
    link = f"magnet:?xt=urn:btih:{film.id}"
    node._catalog.learn(Remote(film.id, title="a link", magnet=link))
    # Nobody answers META: its metadata comes from the swarm, later.
    looks = [asyncio.create_task(node.files(film.id)) for _ in range(4)]
    await until(lambda: node._session.get(film.id) is not None)
    looks[0].cancel()
    await asyncio.wait(looks[:1])
    torrent = node._session.get(film.id)
    assert torrent is not None
    torrent.set_metadata(film.hashed.info)
    async with asyncio.timeout(SECONDS):
        for files in await asyncio.gather(*looks[1:]):
            assert [file.path for file in files] == ["film.mp4"]
    await until(lambda: node._session.get(film.id) is None)


async def test_it_is_fetched_while_its_files_are_listed(node: Node, film: Film) -> None:
    link = f"magnet:?xt=urn:btih:{film.id}"
    node._catalog.learn(Remote(film.id, title="a link", magnet=link))
    look = asyncio.create_task(node.files(film.id))
    await until(lambda: node._session.get(film.id) is not None)
    probed = node._session.get(film.id)
    await node.fetch(film.id)
    await until(lambda: node._session.get(film.id) not in {None, probed})
    torrent = node._session.get(film.id)
    assert torrent is not None
    torrent.set_metadata(film.hashed.info)
    async with asyncio.timeout(SECONDS):
        assert [file.path for file in await look] == ["film.mp4"]


@pytest.mark.parametrize("again", [False, True])
async def test_what_is_not_whole_is_deleted_with_its_listing(
    film: Film, tmp_path: Path, again: bool
) -> None:
    """As the page says before it asks for it; also where it was whole before."""
    async with peer(upload_limit=1_000_000) as holder, running(tmp_path / "node") as node:
        holder.session.seed(film.hashed.info, film.path)
        hears_of(node, film, holder)
        await node.fetch(film.id)
        if again:
            assert (await until_over(node, film.id)).state is VideoState.COMPLETE
            with Path(node._videos.get(film.id).path or "").open("r+b") as file:
                file.truncate(SIZE // 2)
            await until(lambda: node._videos.get(film.id).state is VideoState.ERROR)
            await node.fetch(film.id)
        await until(lambda: node._videos.get(film.id).progress > 0.2)
        node._session.on_failed(film.id, "No space left on device")
        assert (await until_over(node, film.id)).state is VideoState.ERROR
        await node.delete_video(film.id, delete_file=False)
        assert_is_nothing(tmp_path / "node" / "kept")
        assert_is_nothing(tmp_path / "node" / "videos")


async def test_what_was_whole_is_kept_though_it_was_changed(film: Film, tmp_path: Path) -> None:
    async with peer() as holder, running(tmp_path / "node") as node:
        holder.session.seed(film.hashed.info, film.path)
        hears_of(node, film, holder)
        await node.fetch(film.id)
        assert (await until_over(node, film.id)).state is VideoState.COMPLETE
        Path(node._videos.get(film.id).path or "").write_bytes(b"edited by its user")
        await until(lambda: node._videos.get(film.id).state is VideoState.ERROR)
        await node.delete_video(film.id, delete_file=False)
    assert (tmp_path / "node" / "kept" / "film.mp4").read_bytes() == b"edited by its user"
