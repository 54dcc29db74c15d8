"""What a real node finds out of the videos that it fetches, while they come."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio.to_thread
import pytest
from tests.clips import make_uneven_clip
from tests.node.in_process import running, until
from tests.nodes import nodes
from tests.swarm.swarming import SECONDS, peer

from p2ptube.node import glances
from p2ptube.node.node import Node
from p2ptube.playback.content import Content
from p2ptube.swarm import Torrent, hash_file, magnet_link
from p2ptube.tasks import cancel_all

SECONDS_LONG = 16
# Slow enough that it is not complete before anybody could look into it.
RATE = 60_000
SLOW = {"download_limit": RATE, "limit_lan": True}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A still picture, then noise."""
    path = tmp_path / "still, then noise.mp4"
    return make_uneven_clip(path, seconds=SECONDS_LONG, flags={"movflags": "+faststart"})


async def play(content: Content) -> None:
    async for _ in content.read(0, content.size):
        pass


async def paced(node: Node, video_id: str) -> Torrent:
    """The torrent whose beginning a player brings, once its index is known."""

    def is_paced() -> bool:
        torrent = node._session.get(video_id)
        return torrent is not None and not torrent.pace.is_steady

    content = await node.open_stream(video_id)
    playing = asyncio.create_task(play(content))
    try:
        await until(is_paced)
    finally:
        await cancel_all(playing)
    torrent = node._session.get(video_id)
    assert torrent is not None and not torrent.finished
    return torrent


def check_pace(torrent: Torrent, clip: Path) -> None:
    size = clip.stat().st_size
    whole = torrent.pace.seconds_between(0, size)
    assert whole == pytest.approx(SECONDS_LONG, rel=0.1)
    # Half of the time is over where the noise begins, which takes nearly all of the bytes.
    assert torrent.pace.seconds_between(0, size // 4) > SECONDS_LONG / 2
    assert torrent.pace.seconds_between(3 * size // 4, size) < SECONDS_LONG / 4
    assert torrent.pace.rate == pytest.approx(size / SECONDS_LONG, rel=0.05)


async def test_a_described_video_has_a_pace_while_it_comes_and_after_a_restart(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "LET_START_SECONDS", 0.0)
    with nodes() as start:
        a = await anyio.to_thread.run_sync(start, tmp_path / "a")
        video = await anyio.to_thread.run_sync(a.add, clip)
        for join in ((a.peer_id,), ()):  # the second time it knows whom to ask
            async with running(tmp_path / "b", join=join, **SLOW) as node:
                if join:
                    await node.resolve(video["magnet"])
                    await node.fetch(video["id"])
                check_pace(await paced(node, video["id"]), clip)
                seen = await node.video(video["id"])
                assert seen.duration == video["duration"]
                assert seen.title == video["title"]


async def test_a_strangers_video_has_a_pace_and_becomes_described(
    tmp_path: Path, clip: Path
) -> None:
    hashed = hash_file(clip, lambda _: None)
    async with peer() as stranger, running(tmp_path / "b", **SLOW) as node:
        stranger.session.seed(hashed.info, clip)
        magnet = magnet_link(hashed.info_hash, clip.name)
        await node.resolve(f"{magnet}&x.pe={stranger.address}")
        await node.fetch(hashed.info_hash)
        check_pace(await paced(node, hashed.info_hash), clip)
        async with asyncio.timeout(SECONDS):
            while not (seen := await node.video(hashed.info_hash)).duration:
                await asyncio.sleep(0.02)
        assert seen.duration == pytest.approx(SECONDS_LONG, rel=0.05)
        assert (seen.width, seen.height, seen.video_codec) == (320, 180, "h264")
