from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.library.sample import record, video_id

from p2ptube.library import Library

ROUNDS = 20

# Writes until it dies; a line on stdout acknowledges what the library has acknowledged.
WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from p2ptube.library import Library, PendingImport
from p2ptube.models import VideoState
from tests.library.sample import record, video_id

async def main(path, start):
    library = await Library.open(path)
    print("open", flush=True)
    for n in itertools.count(start):
        poster = await library.put_blob(b"poster %d" % n)
        await library.put_pending_import(
            PendingImport(id=f"j{n}", source="/x", owned=True, added_at=n))
        await library.put_video(record(n, torrent=b"%d" % n * 3000, poster=poster))
        await library.put_resume(video_id(n), b"resume %d" % n)
        await library.update_video(video_id(n), title=f"Changed {n}", detail="x" * 500)
        if n % 5 == 0:
            await library.delete_video(video_id(n))
        await library.delete_pending_import(f"j{n}")
        print(n, flush=True)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def write_and_be_killed(path: Path, start: int, acknowledged: int) -> int:
    """Return the first number that was not acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "open\n"
        for _ in range(acknowledged):
            process.stdout.readline()
        process.kill()
        lines = process.stdout.read().split()  # what it wrote before the signal arrived
    assert process.returncode == -9
    return max([start + acknowledged, *(int(line) + 1 for line in lines)])


async def assert_whole(path: Path, until: int) -> None:
    library = await Library.open(path)
    try:
        videos = {video.id: video for video in await library.all_videos()}
        for n in range(until):
            if n % 5 == 0:
                assert video_id(n) not in videos
                continue
            video = videos[video_id(n)]
            assert video == record(
                n,
                title=f"Changed {n}",
                detail="x" * 500,
                torrent=b"%d" % n * 3000,
                poster=video.poster,
            )
            assert video.poster is not None
            assert await library.get_blob(video.poster) == b"poster %d" % n
            assert await library.get_resume(video_id(n)) == b"resume %d" % n
        beyond = set(videos) - {video_id(n) for n in range(until)}
        assert beyond <= {video_id(until)}
        pending = {record.id for record in await library.all_pending_imports()}
        assert pending <= {f"j{until}"}
        if beyond and until % 5:
            assert pending == {f"j{until}"} or videos[video_id(until)].detail
    finally:
        await library.close()


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    chance = random.Random(5)
    until = 0
    for _ in range(ROUNDS):
        until = write_and_be_killed(path, until, chance.randrange(15))
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            db.execute("INSERT INTO video_text (video_text) VALUES ('integrity-check')")
        db.close()
        await assert_whole(path, until)
