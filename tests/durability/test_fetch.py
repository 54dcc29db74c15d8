"""kill -9 while videos are fetched from a holder that is slow."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.durability import crash
from tests.nodes import NodeProcess, nodes

RATE = 1_000_000  # bytes per second that the holder gives
# How old resume data may be: it is saved every 5 s, and a busy machine is late.
RESUME_AGE = 7.5
LONG, SHORT = 11_000_000, 3_000_000
# How often each of the five fetches is killed. The long one lasts beyond several savings of resume
# data; the short ones end before the first, so that what is on the disk must be looked at.
KILLS = (8, 3, 3, 3, 3)


class Fetch:
    """One video that a node fetches, however often it is killed."""

    def __init__(self, node: NodeProcess, holder: NodeProcess, video: dict[str, Any]) -> None:
        self.node = node
        self.holder = holder
        self.video = video
        self.id = str(video["id"])

    def begin(self) -> None:
        self.node.find(self.video["title"])
        self.node.post(f"videos/{self.id}/fetch")

    def kill_at(self, progress: float) -> tuple[float, str]:
        """Kill the node once the fetch is that far; what it had a while before, and its state."""
        seen: list[tuple[float, float]] = []

        def look() -> dict[str, Any]:
            video: dict[str, Any] = self.node.get(f"videos/{self.id}")
            seen.append((time.monotonic(), video["progress"]))
            return video

        video = crash.until(look, lambda v: v["progress"] >= progress)
        self.node.kill()
        now = time.monotonic()
        earlier = [value for at, value in seen if at < now - RESUME_AGE]
        return max(earlier, default=0.0), video["state"]

    def goes_on(self, earlier: float, left: crash.Left) -> None:
        """The restarted node has what its resume data vouches for, which is not old."""
        if self.id in left.complete:
            assert self.node.get(f"videos/{self.id}")["state"] == "complete"
            return
        vouched = left.resumed_bytes.get(self.id, 0) / self.video["size"]
        least = max(vouched, earlier) - self.video_piece
        if left.resumed_bytes.get(self.id):
            assert vouched >= earlier - self.video_piece
        crash.until(lambda: self.node.get(f"videos/{self.id}"), lambda v: v["progress"] >= least)
        video = self.node.get(f"videos/{self.id}")
        assert video["state"] in {"fetching", "complete"}
        self.first_bytes_are_right()

    @property
    def video_piece(self) -> float:
        """A piece, as a fraction of the video."""
        swarm = self.holder.get(f"videos/{self.id}/swarm")
        return float(swarm["piece_length"] / self.video["size"])

    def first_bytes_are_right(self) -> None:
        answer = self.node.stream(self.id, Range="bytes=0-65535")
        assert answer.content == Path(self.video["path"]).read_bytes()[:65536]

    def uploaded(self) -> int:
        """What the holder gave for this video, over all connections."""
        peers = self.holder.get(f"videos/{self.id}/swarm")["peers"]
        return sum(int(peer["uploaded"]) for peer in peers)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fetch_that_was_killed_goes_on(tmp_path: Path) -> None:
    chance = random.Random(7)
    with nodes() as start:
        holder = start(tmp_path / "holder", upload_limit=RATE)
        node = start(tmp_path / "node", join=holder.peer_id)
        complete: set[str] = set()
        for number, kills in enumerate(KILLS):
            fetch = Fetch(node, holder, holder.add(clip(tmp_path, number)))
            fetch.begin()
            killed(fetch, sorted(chance.random() for _ in range(kills)), complete)
            video = crash.completed(node, fetch.id)
            assert crash.stream_digest(node, fetch.id) == video["sha256"] == fetch.video["sha256"]
            complete.add(fetch.id)
            # No kill costs more than what came since the last resume data.
            assert fetch.uploaded() <= fetch.video["size"] + kills * RESUME_AGE * RATE
        node.kill()
        assert crash.autopsy(node.data_dir).complete.keys() == complete
        node.start()
        crash.all_checked(node)
        assert crash.read_bytes(node) < crash.START_READS


def killed(fetch: Fetch, moments: list[float], complete: set[str]) -> None:
    node = fetch.node
    for moment in moments:
        earlier, state = fetch.kill_at(moment)
        left = crash.autopsy(node.data_dir)
        assert complete <= left.complete.keys()
        if state == "complete":
            assert fetch.id in left.complete
        node.start()
        assert complete <= crash.complete_videos(node).keys()
        fetch.goes_on(earlier, left)


def clip(directory: Path, number: int) -> Path:
    """Padded with noise: pieces of zeros would all be one and the same."""
    path = make_clip(directory / f"Fetched {number}.mp4", seconds=1, faststart=True)
    return crash.pad(path, SHORT if number else LONG, random.Random(number))
