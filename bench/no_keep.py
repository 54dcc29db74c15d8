"""Playing without keeping: a long video, read to its end, with a window of it on the disk."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libtorrent as lt
from bench.media import add
from bench.table import Table
from tests.clips import make_large_mp4
from tests.nodes import NodeProcess, nodes
from tests.swarm.swarming import peer

from p2ptube.models import PeerAddress
from p2ptube.swarm import Torrent, alerts, hash_file
from p2ptube.swarm.metainfo import torrent_info

MEGABYTES = 2800  # an hour, at the bit rate of that clip
TIMES = 60  # as fast as the video is played, by the player
OTHER_RATE = 5_000_000  # bytes/s that the other viewer takes at most
READ_BYTES = 1 << 18
LOOK_SECONDS = 0.02
PATIENCE = 120


@dataclass
class Seen:
    """What is seen of the viewer's disk, from outside: the most, and how often it was looked at."""

    peak: int = 0
    looks: int = 0
    over: bool = False

    def watch(self, folder: Path) -> None:
        """Look again and again, until it is over."""
        while not self.over:
            self.peak = max(self.peak, _used(folder))
            self.looks += 1
            time.sleep(LOOK_SECONDS)


@dataclass
class Reading:
    """What the player saw: its longest wait for the next bytes, and how long it all took."""

    wait: float = 0.0
    seconds: float = 0.0


def tables(directory: Path) -> list[Table]:
    """One run: a viewer that keeps nothing, and one that has what it gets from the first alone."""
    film = make_large_mp4(directory / "long.mp4", MEGABYTES * 1_000_000, faststart=True)
    with nodes() as start:
        origin = start(directory / "origin")
        video_id = add(origin, film)
        viewer = start(directory / "viewer", join=origin.peer_id)
        viewer.until(lambda: viewer.search(video_id), bool)
        viewer.post(f"videos/{video_id}/fetch", {"keep": False})
        viewer.until(lambda: "1" in viewer.get(f"videos/{video_id}/swarm")["pieces"], bool)
        info = _info(origin, video_id)
        seen = Seen()
        watching = threading.Thread(target=seen.watch, args=[viewer.data_dir / "videos"])
        watching.start()
        try:
            reading, got, wrong = asyncio.run(_both(viewer, video_id, info, directory / "other"))
        finally:
            seen.over = True
            watching.join()
        video = viewer.get(f"videos/{video_id}")
        viewer.stop()
        left = sum(path.is_file() for path in (viewer.data_dir / "videos").rglob("*"))
    table = Table(
        "Playing without keeping",
        ("", "measured", "wanted"),
        f"{video['size'] / 1e6:,.0f} MB, {video['duration'] / 60:.0f} minutes, read to the end in "
        f"{reading.seconds:.0f} s ({TIMES} times its bit rate is the most), with a window of "
        f"{video['window'] / 1e6:.0f} MB. The disk was looked at {seen.looks:,} times from "
        "outside. Meanwhile another peer, which knows of no one else, took what it could get.",
    )
    table.add("disk, at most", f"{seen.peak / 1e6:.1f} MB", "≤ 100 MB")
    table.add("longest wait of the player for its next bytes", f"{reading.wait:.2f} s", "")
    table.add("what the other has got from it", f"{got / 1e6:.1f} MB", "> 0")
    table.add("pieces whose hash was wrong, at the other", str(wrong), "0")
    table.add("files left once the node has ended", str(left), "0")
    return [table]


async def _both(
    viewer: NodeProcess, video_id: str, info: bytes, directory: Path
) -> tuple[Reading, int, int]:
    """Read the stream, and download from who streams; the bytes got and the pieces that failed."""
    wrong: list[int] = []
    alerts._HANDLERS[lt.hash_failed_alert] = lambda _, alert: wrong.append(alert.piece_index)
    async with peer(download_limit=OTHER_RATE) as other:
        torrent = other.session.fetch(video_id, directory, info=info)
        # Else it would hear of the origin, and get all from there.
        torrent.handle.set_flags(lt.torrent_flags.disable_pex)
        address = PeerAddress("127.0.0.1", viewer.info["ports"]["swarm"])
        dialling = asyncio.create_task(_keep_dialling(other.session, torrent, address))
        try:
            reading = await asyncio.to_thread(_read, viewer, video_id)
        finally:
            dialling.cancel()
        torrent.update_peers()
        return reading, sum(one.downloaded for one in torrent.peers()), len(wrong)


async def _keep_dialling(session: Any, torrent: Torrent, address: PeerAddress) -> None:
    lonely = asyncio.Event()
    torrent.on_lonely = lonely.set
    while True:
        await session.dial(torrent.info_hash, [address])
        await lonely.wait()
        lonely.clear()


def _read(node: NodeProcess, video_id: str) -> Reading:
    """Read the stream as a fast player does."""
    video = node.get(f"videos/{video_id}")
    rate = video["size"] / video["duration"] * TIMES
    reading, got, began = Reading(), 0, time.monotonic()
    for wait, count in _chunks(node, video_id):
        reading.wait = max(reading.wait, wait)
        got += count
        time.sleep(max(0.0, began + got / rate - time.monotonic()))
    assert got == video["size"], f"{got} of {video['size']} bytes came"
    reading.seconds = time.monotonic() - began
    return reading


def _chunks(node: NodeProcess, video_id: str) -> Iterator[tuple[float, int]]:
    """How long each chunk was waited for, and its length."""
    with node.api.stream("GET", f"{node.url}/stream/{video_id}", timeout=PATIENCE) as response:
        response.raise_for_status()
        chunks = response.iter_raw(READ_BYTES)
        while True:
            asked = time.monotonic()
            chunk = next(chunks, b"")
            if not chunk:
                return
            yield time.monotonic() - asked, len(chunk)


def _info(node: NodeProcess, video_id: str) -> bytes:
    """The info dictionary, made of the file as the node has it."""
    path = Path(node.get(f"videos/{video_id}")["path"])
    info = hash_file(path, lambda _: None).info
    assert str(torrent_info(info).info_hashes().v1) == video_id
    return info


def _used(folder: Path) -> int:
    used = 0
    for path in folder.rglob("*"):
        try:
            used += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue  # gone meanwhile
    return used
