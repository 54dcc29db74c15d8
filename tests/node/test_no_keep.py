"""Playing without keeping, at a real node: what it takes, what is left, and a change of mind."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from tests.node.checks import assert_is_nothing, problem, sha256
from tests.node.in_process import running
from tests.node.strangers import file
from tests.nodes import NodeProcess, nodes
from tests.swarm.swarming import SECONDS, Film, make_film, peer

from p2ptube.node import streams
from p2ptube.node.node import Node
from p2ptube.swarm import magnet_link
from p2ptube.swarm.holes import can_punch
from p2ptube.swarm.publish import sha256_of

MIB = 1024 * 1024
SIZE, WINDOW = 48 * MIB, 16 * MIB
SPARE = MIB


def disk(node: NodeProcess) -> int:
    """How many bytes of the disk the node's videos take."""
    folder = node.data_dir / "videos"
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


@asynccontextmanager
async def offered(folder: Path, seed: int = 0) -> AsyncIterator[tuple[Film, str]]:
    """A film that somebody shares, and the magnet link that leads to it."""
    folder.mkdir(exist_ok=True)
    if not can_punch(folder):
        pytest.skip("the file system of the temporary directory cannot punch holes")
    film = make_film(folder / "origin" / "film.mp4", SIZE, seed)
    async with peer() as origin:
        origin.session.seed(film.hashed.info, film.path)
        yield film, f"{magnet_link(film.id, 'film.mp4')}&x.pe={origin.address}"


@contextmanager
def viewer(folder: Path) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(folder / "viewer", P2PTUBE_PLAY_WINDOW=str(WINDOW))


async def in_thread(work: Any, *arguments: Any) -> Any:
    """The node's client blocks, and the origin is on this loop."""
    return await anyio.to_thread.run_sync(work, *arguments)


def read(node: NodeProcess, film: Film, start: int, end: int) -> int:
    """Read a part like a player, and return how much of the disk was taken at most."""
    peak = 0
    got = bytearray()
    headers = {"Range": f"bytes={start}-{end - 1}"}
    with node.api.stream("GET", f"{node.url}/stream/{film.id}", headers=headers) as response:
        assert response.status_code == 206
        for chunk in response.iter_bytes(MIB):
            got += chunk
            peak = max(peak, disk(node))
    assert bytes(got) == film.data[start:end]
    return peak


async def test_play_to_the_end_and_back_and_keep_after_all(tmp_path: Path) -> None:
    async with offered(tmp_path) as (film, magnet):
        await in_thread(_play_and_keep, tmp_path, film, magnet)


def _play_and_keep(tmp_path: Path, film: Film, magnet: str) -> None:
    with viewer(tmp_path) as node:
        assert node.post("videos/resolve", {"target": magnet})["id"] == film.id
        begun = node.post(f"videos/{film.id}/fetch", {"keep": False})
        assert (begun["state"], begun["keep"]) == ("fetching", False)
        assert read(node, film, 0, SIZE) <= WINDOW + SPARE
        assert read(node, film, MIB, 9 * MIB) <= WINDOW + SPARE
        view = node.get(f"videos/{film.id}")
        assert (view["state"], view["window"]) == ("fetching", WINDOW)
        assert node.get("node")["storage_used"] == WINDOW
        swarm = node.get(f"videos/{film.id}/swarm")
        assert 0 < swarm["pieces"].count("1") * swarm["piece_length"] <= WINDOW
        kept = node.post(f"videos/{film.id}/fetch", {"keep": True})
        assert (kept["keep"], kept["window"]) == (True, 0)
        assert sha256(Path(node.complete(film.id)["path"]).read_bytes()) == sha256(film.data)
        # It was to be kept, and it is here: it goes only when it is removed.
        assert node.post(f"videos/{film.id}/fetch", {"keep": False})["keep"] is True
        node.stop()
        node.start()
        assert node.get(f"videos/{film.id}")["state"] == "complete"


async def test_nothing_is_left_after_a_crash_nor_after_an_orderly_end(tmp_path: Path) -> None:
    async with offered(tmp_path) as (film, magnet):
        await in_thread(_crash_and_stop, tmp_path, film, magnet)


def _crash_and_stop(tmp_path: Path, film: Film, magnet: str) -> None:
    with viewer(tmp_path) as node:
        folder = node.data_dir / "videos" / film.id
        _play(node, film, magnet)
        assert folder.is_dir()
        node.kill()
        node.start()
        assert node.get("videos") == []
        assert_is_nothing(folder)
        _play(node, film, magnet)
        assert folder.is_dir()
        node.stop()
        assert_is_nothing(folder)
        with closing(sqlite3.connect(node.data_dir / "library.sqlite")) as library:
            assert library.execute("SELECT count(*) FROM videos").fetchone() == (0,)


def _play(node: NodeProcess, film: Film, magnet: str) -> None:
    node.post("videos/resolve", {"target": magnet})
    node.post(f"videos/{film.id}/fetch", {"keep": False})
    read(node, film, 0, 30 * MIB)


async def test_not_kept_by_the_settings_nor_given_to_others(tmp_path: Path) -> None:
    async with offered(tmp_path) as (film, magnet):
        await in_thread(_by_settings, tmp_path, film, magnet)


def _by_settings(tmp_path: Path, film: Film, magnet: str) -> None:
    with viewer(tmp_path) as node:
        problem(node.api.patch("settings", json={"keep": "maybe"}), 400)
        node.patch("settings", {"keep": False})
        node.post("videos/resolve", {"target": magnet})
        read(node, film, 0, MIB)
        view = node.get(f"videos/{film.id}")
        assert (view["keep"], view["window"]) == (False, WINDOW)
        assert file(node, view["file_name"]) is None
        # The other way round: of what was to be kept, a part is given up.
        node.post(f"videos/{film.id}/fetch", {"keep": True})
        back = node.post(f"videos/{film.id}/fetch", {"keep": False})
        if not back["keep"]:  # else all of it was here already
            assert (back["state"], back["window"]) == ("fetching", WINDOW)
            read(node, film, 20 * MIB, 40 * MIB)
            assert disk(node) <= WINDOW + SPARE


async def test_what_is_here_as_a_whole_is_kept_though_it_is_still_being_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hashed(path: Path, is_over: Callable[[], bool]) -> str:
        loop.call_soon_threadsafe(hashing.set)
        assert go_on.wait(SECONDS)
        return sha256_of(path, is_over)

    monkeypatch.setattr("p2ptube.node.fetching.sha256_of", hashed)
    async with offered(tmp_path) as (film, magnet), running(tmp_path / "viewer") as node:
        await node.resolve(magnet)
        await node.fetch(film.id, keep=True)
        try:
            async with asyncio.timeout(SECONDS):
                await hashing.wait()
            asked = await node.fetch(film.id, keep=False)
        finally:
            go_on.set()
        assert (asked.state, asked.keep, asked.window) == ("fetching", True, 0)


async def test_it_is_gone_a_while_after_its_last_player(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FORGET_SECONDS", 0.1)
    async with offered(tmp_path) as (film, magnet), running(tmp_path / "viewer") as node:
        await node.resolve(magnet)
        await node.fetch(film.id, keep=False)
        folder = tmp_path / "viewer" / "videos" / film.id
        content = await node.open_stream(film.id)
        assert b"".join([chunk async for chunk in content.read(0, MIB)]) == film.data[:MIB]
        assert folder.is_dir()
        await gone(node, film, folder)
        assert node.videos() == []


async def test_it_is_gone_a_while_after_it_was_asked_for_if_nobody_plays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FORGET_SECONDS", 0.1)
    async with offered(tmp_path) as (film, magnet), running(tmp_path / "viewer") as node:
        await node.resolve(magnet)
        folder = tmp_path / "viewer" / "videos" / film.id
        assert (await node.fetch(film.id, keep=False)).state == "fetching"
        await gone(node, film, folder)
        assert node.videos() == []
        # Its address still plays it, and it is not kept then, either.
        content = await node.open_stream(film.id)
        assert b"".join([chunk async for chunk in content.read(0, MIB)]) == film.data[:MIB]
        await gone(node, film, folder)


async def test_what_is_opened_in_time_stays_as_long_as_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FORGET_SECONDS", 0.1)
    async with (
        offered(tmp_path / "a") as (film, magnet),
        offered(tmp_path / "b", seed=1) as (other, other_magnet),
        running(tmp_path / "viewer") as node,
    ):
        await node.resolve(magnet)
        await node.resolve(other_magnet)
        await node.fetch(film.id, keep=False)
        content = await node.open_stream(film.id)
        chunks = aiter(content.read(0, 2 * MIB))
        read = await anext(chunks)
        # Once this one has gone, which was asked for later, the first would have.
        await node.fetch(other.id, keep=False)
        await gone(node, other, tmp_path / "viewer" / "videos" / other.id)
        assert (await node.video(film.id)).state != "remote"
        read += b"".join([chunk async for chunk in chunks])
        assert read == film.data[: 2 * MIB]
        await gone(node, film, tmp_path / "viewer" / "videos" / film.id)


async def gone(node: Node, film: Film, folder: Path) -> None:
    """Wait until nothing is left of a video at a node."""
    async with asyncio.timeout(SECONDS):
        while (await node.video(film.id)).state != "remote" or folder.exists():
            await asyncio.sleep(0.05)
