"""kill -9 while files that are shared in place are hashed and published."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.durability import crash
from tests.nodes import NodeProcess, nodes

# Large enough that most of the work is the hashing; the names, all of one file, differ.
BYTES = 80_000_000


class Files:
    """One file under many names, each of which is a video of its own: the name is hashed, too."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        clip = make_clip(directory / "original.mp4", seconds=1, faststart=True)
        self.original = crash.pad(clip, BYTES)
        self.size = self.original.stat().st_size

    def named(self, name: str) -> Path:
        path = self._directory / f"{name}.mp4"
        path.hardlink_to(self.original)
        return path


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_publication_that_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    chance = random.Random(4)
    files = Files(tmp_path / "files")
    pending = 0
    with nodes() as start:
        node = start(tmp_path / "node")

        def begin(path: Path) -> str:
            return str(node.post("videos", {"path": str(path)})["id"])

        undisturbed = list(crash.job_events(node, lambda: begin(files.named("undisturbed"))))
        assert {"hash"} < {stage for _, stage in undisturbed}
        seconds, events = undisturbed[-1][0], len(undisturbed)
        for number in range(crash.ROUNDS):
            before = crash.complete_videos(node).keys()
            path = files.named(f"Round {number}")
            moment = crash.Moment.draw(chance, seconds, events)
            crash.kill_during(node, partial(begin, path), moment)
            left = crash.autopsy(node.data_dir)
            assert before <= left.complete.keys()
            # Done or still to do, never both: else what is complete would be hashed again.
            assert len(left.complete) - len(before) + left.pending == 1
            pending += left.pending
            node.start()
            taken_up(node, path, left, files.size)
            # Those before need not be carried along: it is the newest that may be at risk.
            forget_all_but_newest(node, 2)
        assert pending > crash.ROUNDS // 2
        node.kill()
        node.start()
        crash.all_checked(node)
        assert crash.read_bytes(node) < crash.START_READS


def taken_up(node: NodeProcess, path: Path, left: crash.Left, size: int) -> None:
    jobs = crash.jobs_over(node)
    assert [job["state"] for job in jobs] == ["done"] * left.pending, jobs
    crash.all_checked(node)
    # What was not published is hashed anew, as two digests; what was complete is not.
    hashed = 2 * size * left.pending
    assert hashed <= crash.read_bytes(node) < hashed + size // 2
    video = next(v for v in crash.complete_videos(node).values() if v["title"] == path.stem)
    assert video["in_place"]
    assert crash.stream_digest(node, video["id"]) == video["sha256"]
    assert list((node.data_dir / "incoming").iterdir()) == []


def forget_all_but_newest(node: NodeProcess, count: int) -> None:
    for video in node.get("videos")[count:]:
        node.delete(f"videos/{video['id']}")
