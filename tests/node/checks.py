"""What end-to-end tests look at: files that play, and nodes that are joined."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from tests.nodes import NodeProcess

NOBODY = "no holder reachable"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def boxes(path: Path) -> list[str]:
    """The types of the top-level boxes of an MP4 file, in their order (ISO/IEC 14496-12)."""
    return list(_boxes(path.read_bytes()))


def _boxes(data: bytes) -> Iterator[str]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from("!I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from("!Q", data, at + 8)
        yield kind.decode("latin-1")
        at += size or len(data)


def assert_plays(path: Path, seconds: float) -> None:
    """The file is a faststart MP4 of this duration whose pictures can all be decoded."""
    order = boxes(path)
    assert order.index("moov") < order.index("mdat")
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert abs(container.duration / av.time_base - seconds) < 0.5
        stream = container.streams.video[0]
        last = max(frame.time for frame in container.decode(stream) if frame.time is not None)
        assert abs(last - seconds) < 0.5


def entries(directory: Path) -> list[str]:
    """The names of all that is below a directory, which may be missing, or vanish meanwhile."""
    return [name for _, folders, files in os.walk(directory) for name in (*folders, *files)]


def assert_is_nothing(directory: Path) -> None:
    """Nothing is left in a directory, which may be missing."""
    assert entries(directory) == []


def until_is_nothing(directory: Path) -> None:
    """Wait until nothing is left; a video is taken off the lists before its files are deleted."""
    NodeProcess.until(lambda: entries(directory), lambda left: left == [])


def swarm_address(node: NodeProcess) -> str:
    return f"127.0.0.1:{node.info['ports']['swarm']}"


def downloaded(node: NodeProcess, video_id: str) -> dict[str, int]:
    """How many bytes came from whom: swarm address -> payload bytes."""
    peers: list[dict[str, Any]] = node.get(f"videos/{video_id}/swarm")["peers"]
    return {peer["address"]: peer["downloaded"] for peer in peers}


def uploaded(node: NodeProcess, video_id: str) -> int:
    """How many bytes of a video a node has given, to everybody it knows of."""
    peers: list[dict[str, Any]] = node.get(f"videos/{video_id}/swarm")["peers"]
    return sum(peer["uploaded"] for peer in peers)


def progress(node: NodeProcess, video_id: str) -> float:
    return float(node.get(f"videos/{video_id}")["progress"])


def begin_fetch(node: NodeProcess, text: str, holders: int) -> str:
    """Search until this many holders are known, then fetch; the video's id."""
    found = node.until(
        lambda: node.search(text), lambda r: bool(r) and len(r[0]["holders"]) >= holders
    )
    video_id = str(found[0]["id"])
    node.post(f"videos/{video_id}/fetch")
    return video_id


def until_arrived(node: NodeProcess, video_id: str, share: float) -> None:
    node.until(lambda: progress(node, video_id), lambda now: now >= share)


def until_alone(node: NodeProcess, video_id: str) -> None:
    """Wait until the video says that nobody can be reached; it is still being fetched."""
    video = node.until(
        lambda: node.get(f"videos/{video_id}"), lambda v: v["detail"] or v["state"] != "fetching"
    )
    assert (video["state"], video["detail"]) == ("fetching", NOBODY)
    assert 0 < video["progress"] < 1


def problem(response: Any, status: int) -> str:
    """Check that an answer is problem details (RFC 9457) and return its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    return str(document.get("detail", ""))


def job_over(node: NodeProcess, job: dict[str, Any]) -> dict[str, Any]:
    over: dict[str, Any] = node.until(
        lambda: node.get(f"jobs/{job['id']}"), lambda j: j["state"] not in {"queued", "running"}
    )
    return over


def video_of(node: NodeProcess, job: dict[str, Any]) -> dict[str, Any]:
    over = job_over(node, job)
    assert over["state"] == "done", over
    video: dict[str, Any] = node.get(f"videos/{over['video']}")
    return video
