"""A node with a thousand videos: it starts, seeds all of them, and reads none of them anew."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.durability.crash import START_READS, completed, read_bytes, stream_digest
from tests.nodes import nodes
from tests.scale.measure import MEMORY_LIMIT, peak_memory

from p2ptube.descriptor import seal
from p2ptube.identity import Identity
from p2ptube.library import Library, VideoRecord
from p2ptube.models import Descriptor, Source, VideoState
from p2ptube.node.catalog import described
from p2ptube.swarm import Hashed, hash_file

VIDEOS = 1000
PADDING = 100_000  # bytes, so that hashing them all again would show


def make_videos(directory: Path) -> list[Path]:
    """The same pictures in a thousand different files."""
    directory.mkdir()
    clip = make_clip(directory / "clip.mp4", seconds=1, size=(160, 90), faststart=True)
    data = clip.read_bytes()
    paths = []
    for number in range(VIDEOS):
        note = struct.pack("!I4sQ", PADDING, b"free", number)
        path = directory / f"Video number {number}.mp4"
        path.write_bytes(data + note + bytes(PADDING - len(note)))
        paths.append(path)
    return paths


def record_of(path: Path, hashed: Hashed, identity: Identity, now: float) -> VideoRecord:
    """What an import in place records of a file."""
    source = Source(
        info_hash=hashed.info_hash,
        file_name=path.name,
        size=hashed.size,
        piece_length=hashed.piece_length,
        sha256=hashed.sha256,
    )
    descriptor = Descriptor(
        title=path.stem, duration=1.0, width=160, height=90, published_at=now, sources=(source,)
    )
    return VideoRecord(
        id=hashed.info_hash,
        envelope=seal(descriptor, identity),
        path=str(path),
        state=VideoState.COMPLETE,
        added_at=now,
        in_place=True,
        mtime_ns=hashed.mtime_ns,
        mine=True,
        torrent=hashed.info,
        **described(descriptor),
    )


async def fill_library(data_dir: Path, paths: list[Path]) -> int:
    """Write the library of a node that shares these files; their size in all."""
    data_dir.mkdir()
    identity = Identity.load_or_create(data_dir / "identity.key")
    library = await Library.open(data_dir / "library.sqlite")
    size = 0
    try:
        for number, path in enumerate(paths):
            hashed = hash_file(path, lambda _: None)
            await library.put_video(record_of(path, hashed, identity, 1e9 + number))
            size += hashed.size
    finally:
        await library.close()
    return size


@pytest.mark.slow
async def test_a_restarted_node_seeds_a_thousand_videos(
    tmp_path: Path, record_property: Any
) -> None:
    size = await fill_library(tmp_path / "seeder", make_videos(tmp_path / "files"))
    assert size > 4 * START_READS
    with nodes() as start:
        begin = time.monotonic()
        seeder = start(tmp_path / "seeder")
        record_property("start_seconds", time.monotonic() - begin)
        videos = seeder.get("videos")
        assert len(videos) == VIDEOS
        assert {video["state"] for video in videos} == {"complete"}
        fetcher = start(tmp_path / "fetcher", join=seeder.peer_id)
        fetcher.find("number 537")
        wanted = next(v for v in videos if v["title"] == "Video number 537")
        fetcher.post(f"videos/{wanted['id']}/fetch")
        assert completed(fetcher, wanted["id"])["sha256"] == wanted["sha256"]
        assert stream_digest(fetcher, wanted["id"]) == wanted["sha256"]
        for video in videos:
            pieces = seeder.get(f"videos/{video['id']}/swarm")["pieces"]
            assert set(pieces) == {"1"}, video
        assert read_bytes(seeder) < size // 2
        record_property("peak_memory", peak_memory(seeder))
        assert peak_memory(seeder) < MEMORY_LIMIT
