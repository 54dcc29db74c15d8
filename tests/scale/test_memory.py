"""Large files pass through a node; they do not gather in its memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.durability.crash import completed, pad
from tests.nodes import NodeProcess, nodes
from tests.scale.measure import MEMORY_LIMIT, get_file, peak_memory, stream_digest

GIGABYTE = 1_000_000_000


def large(path: Path, size: int) -> Path:
    """A real video and a hole after it: nothing is written, yet all of it is sent."""
    return pad(make_clip(path, seconds=2, faststart=True), size)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_gigabytes_by_fget_and_stream(tmp_path: Path) -> None:
    with nodes() as start:
        node = start(tmp_path / "node")
        video = node.add(large(tmp_path / "Two gigabytes.mp4", 2 * GIGABYTE))
        assert video["size"] > 2 * GIGABYTE
        assert get_file(node, video["file_name"]) == video["sha256"]
        assert stream_digest(node, video["id"]) == video["sha256"]
        assert_modest(node)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_gigabyte_streams_while_it_is_fetched(tmp_path: Path) -> None:
    with nodes() as start:
        holder = start(tmp_path / "holder")
        video = holder.add(large(tmp_path / "One gigabyte.mp4", GIGABYTE))
        viewer = start(tmp_path / "viewer", join=holder.peer_id)
        viewer.find("gigabyte")
        assert stream_digest(viewer, video["id"]) == video["sha256"]
        completed(viewer, video["id"])
        assert get_file(viewer, video["file_name"]) == video["sha256"]
        assert_modest(holder)
        assert_modest(viewer)


def assert_modest(node: NodeProcess) -> None:
    used = peak_memory(node)
    print(f"peak memory {used / 1e6:.0f} MB")
    assert used < MEMORY_LIMIT
