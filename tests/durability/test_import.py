"""kill -9 while files are imported that must be copied or transcoded."""

from __future__ import annotations

import collections
import random
import shutil
from functools import partial
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.durability import crash
from tests.nodes import NodeProcess, nodes

KEPT_BYTES = 150_000_000


def clips(directory: Path) -> list[Path]:
    """One whose streams are copied into an MP4, one that is transcoded."""
    directory.mkdir()
    size = (320, 180)
    return [
        make_clip(directory / "copy.mkv", seconds=3, size=size),
        make_clip(
            directory / "transcode.avi", seconds=3, size=size, video="mpeg4", audio="libmp3lame"
        ),
    ]


class Imports:
    """Twenty imports in a row into one node; the title is the file's name, so each is another."""

    def __init__(self, node: NodeProcess, directory: Path) -> None:
        self.node = node
        self.directory = directory
        self.originals = clips(directory / "clips")

    def source(self, number: int) -> Path:
        original = self.originals[number % len(self.originals)]
        name = f"Round {number}{original.suffix}"
        return Path(shutil.copy(original, self.directory / name))

    def begin(self, source: Path) -> str:
        return str(self.node.post("videos", {"path": str(source)})["id"])

    def undisturbed(self) -> tuple[float, int]:
        """Seconds and events of the slower of the two kinds."""
        runs = []
        for number in (100, 101):
            events = list(crash.job_events(self.node, partial(self.begin, self.source(number))))
            runs.append((events[-1][0], len(events)))
        return max(seconds for seconds, _ in runs), min(events for _, events in runs)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_import_that_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    chance = random.Random(20)
    with nodes() as start:
        node = start(tmp_path / "node")
        kept = crash.pad(make_clip(tmp_path / "kept.mp4", seconds=1, faststart=True), KEPT_BYTES)
        before = crash.read_bytes(node)
        complete = {node.add(kept)["id"]}
        # The check of the check: hashing does show in the counter that is looked at below.
        assert crash.read_bytes(node) - before > KEPT_BYTES
        imports = Imports(node, tmp_path)
        seconds, events = imports.undisturbed()
        stages: collections.Counter[str] = collections.Counter()
        for number in range(crash.ROUNDS):
            complete |= crash.complete_videos(node).keys()
            source = imports.source(number)
            moment = crash.Moment.draw(chance, seconds, events)
            stages[crash.kill_during(node, partial(imports.begin, source), moment)] += 1
            left = crash.autopsy(node.data_dir)
            assert complete <= left.complete.keys()
            # Done or still to do, never both.
            assert len(left.complete) - len(complete) + left.pending == 1
            stages["pending"] += left.pending
            node.start()
            taken_up(node, source, left)
            assert complete <= crash.complete_videos(node).keys()
        assert stages["pending"] > crash.ROUNDS // 2, stages


def taken_up(node: NodeProcess, source: Path, left: crash.Left) -> None:
    """The restarted node ends the import by itself, and rehashes nothing."""
    crash.assert_fget_gives_whole_or_nothing(node, f"{source.stem}.mp4")
    crash.assert_streams(node, at_most=2)
    streamed = sum(v["size"] for v in list(crash.complete_videos(node).values())[:2])
    jobs = crash.jobs_over(node)
    assert [job["state"] for job in jobs] == ["done"] * left.pending, jobs
    titles = [video["title"] for video in crash.complete_videos(node).values()]
    assert titles.count(source.stem) == 1
    crash.all_checked(node)
    # The worker that takes up the import is a process of its own.
    processes = 1 + left.pending
    assert crash.read_bytes(node) - 2 * streamed < processes * crash.START_READS
    assert list((node.data_dir / "incoming").iterdir()) == []
    owned = {v["id"] for v in node.get("videos") if not v["in_place"]}
    assert {entry.name for entry in (node.data_dir / "videos").iterdir()} == owned
