"""Kills a node at random moments, and looks at what is left: in its directory, and in the next run.

The moments are drawn from a seed: a fraction of the time that the same work takes undisturbed, or
the n-th event that the node tells of. Nothing waits for a fixed time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import libtorrent as lt
from tests.interop.classic_client import connect_and_send
from tests.nodes import NodeProcess

ROUNDS = 20
OVER = {"done", "failed", "cancelled"}
PATIENCE = 120  # seconds; the machine may be busy with other tests
# What a process reads at its start, Python's modules for the most part: 12 MB, with a margin.
START_READS = 20_000_000


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pad(clip: Path, size: int, noise: random.Random | None = None) -> Path:
    """Make an MP4 file larger by a box of type `free` (ISO/IEC 14496-12, 8.1.2).

    Without noise it is a hole on the disk, made in no time.
    """
    with clip.open("r+b") as file:
        whole = file.seek(0, 2)
        header = struct.pack("!I4sQ", 1, b"free", size)
        file.write(header)
        if noise is not None:
            file.write(noise.randbytes(size - len(header)))
        file.truncate(whole + size)
    return clip


def read_bytes(node: NodeProcess) -> int:
    """Bytes that the node has read by any read call, its finished workers included (proc(5))."""
    assert node.process is not None
    lines = Path(f"/proc/{node.process.pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


# --- the moment of death -------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """When to kill: after `seconds`, or when `events` have come, whichever is first."""

    seconds: float
    events: int

    @classmethod
    def draw(cls, chance: random.Random, seconds: float, events: int) -> Moment:
        """Draw one, given what the undisturbed work took; every other one by events alone."""
        if chance.random() < 0.5:
            return cls(chance.uniform(0, seconds), 1_000_000)
        return cls(PATIENCE, chance.randint(1, max(events, 1)))


def job_events(node: NodeProcess, begin: Callable[[], str]) -> Iterator[tuple[float, str]]:
    """Begin a job; then give its states, each with the seconds since it began, until it is over."""
    with node.api.stream("GET", "events", timeout=PATIENCE) as response:
        lines = response.iter_lines()
        assert next(lines) == "event: ready"
        job_id = begin()
        started = time.monotonic()
        for line in lines:
            if line.startswith("data: ") and job_id in line:
                job = json.loads(line.removeprefix("data: "))
                yield time.monotonic() - started, job["stage"]
                if job["state"] in OVER:
                    return


def kill_during(node: NodeProcess, begin: Callable[[], str], moment: Moment) -> str:
    """Begin a job and kill the node in it; the job's last known stage."""
    if moment.seconds < PATIENCE:
        begin()
        # Not to wait for anything: the drawn moment is a point in time.
        time.sleep(moment.seconds)
        node.kill()
        return "at a time"
    stage = ""
    for count, (_, now_at) in enumerate(job_events(node, begin), start=1):
        stage = now_at
        if count >= moment.events:
            break
    node.kill()
    return stage


# --- what a dead node leaves ---------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What the library of a dead node says."""

    complete: dict[str, str]  # id -> path
    pending: int
    resumed_bytes: dict[str, int]  # id -> bytes that its resume data vouches for


def autopsy(data_dir: Path) -> Left:
    """Read the library of a dead node, which must be whole, files of complete videos included."""
    with contextlib.closing(sqlite3.connect(data_dir / "library.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO video_text (video_text) VALUES ('integrity-check')")
        rows = db.execute("SELECT id, path, sha256, size FROM videos WHERE state = 'complete'")
        complete = {}
        for video_id, path, sha256, size in rows.fetchall():
            file = Path(path.decode())
            assert file.stat().st_size == size
            assert sha256_of(file) == sha256
            complete[video_id] = str(file)
        pending = db.execute("SELECT count(*) FROM pending_imports").fetchone()[0]
        resume = dict(db.execute("SELECT id, data FROM resume").fetchall())
    return Left(complete, pending, {key: vouched(data) for key, data in resume.items()})


def vouched(resume: bytes) -> int:
    """How many bytes of whole pieces resume data speaks of."""
    params = lt.read_resume_data(resume)
    assert params.ti is not None
    return sum(params.have_pieces) * int(params.ti.piece_length())


# --- the next run --------------------------------------------------------------------------------


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Look again and again until it is good."""
    return NodeProcess.until(look, good, PATIENCE)


def completed(node: NodeProcess, video_id: str) -> dict[str, Any]:
    """Wait until a video is complete."""
    over = {"complete", "error"}
    video: dict[str, Any] = until(
        lambda: node.get(f"videos/{video_id}"), lambda v: v["state"] in over
    )
    assert video["state"] == "complete", video
    return video


def all_checked(node: NodeProcess) -> None:
    """Wait until the swarm has taken up every complete video."""
    for video_id in complete_videos(node):
        until(
            partial(node.get, f"videos/{video_id}/swarm"),
            lambda swarm: set(swarm["pieces"]) == {"1"},
        )


def stream_digest(node: NodeProcess, video_id: str) -> str:
    digest = hashlib.sha256()
    with node.api.stream("GET", f"{node.url}/stream/{video_id}") as response:
        assert response.status_code == 200, response.read()
        for chunk in response.iter_bytes():
            digest.update(chunk)
    return digest.hexdigest()


def complete_videos(node: NodeProcess) -> dict[str, dict[str, Any]]:
    return {v["id"]: v for v in node.get("videos") if v["state"] == "complete"}


def assert_streams(node: NodeProcess, *, at_most: int | None = None) -> None:
    """What is listed as complete is; `at_most` the newest few are looked at, to save time."""
    for video in list(complete_videos(node).values())[:at_most]:
        assert stream_digest(node, video["id"]) == video["sha256"], video


def assert_fget_gives_whole_or_nothing(node: NodeProcess, file_name: str) -> None:
    """A classic peer gets a file that is listed as complete, or none."""
    host, port = node.peer_id.split(":")
    replies = connect_and_send(host, int(port), "FGET", file_name.replace(" ", "%20"))
    if replies[0][0] == "ERRO":
        assert replies == [("ERRO", b"File not found")]
        return
    digest = hashlib.sha256(b"".join(data for _, data in replies)).hexdigest()
    listed = {v["sha256"] for v in complete_videos(node).values() if v["file_name"] == file_name}
    assert digest in listed


def jobs_over(node: NodeProcess) -> list[dict[str, Any]]:
    """Wait until nothing is under way; all jobs of this run."""
    jobs: list[dict[str, Any]] = until(
        lambda: node.get("jobs"), lambda jobs: all(j["state"] in OVER for j in jobs)
    )
    return jobs
