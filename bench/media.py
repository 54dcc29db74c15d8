"""How long an import takes that only copies, against FFmpeg and one SHA-256 pass."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.table import Table
from tests.clips import make_large_mp4
from tests.nodes import NodeProcess, nodes

RUNS = 3
MEGABYTES = 500
LIMIT = 1.5  # what the ratio must stay below
PATIENCE = 600
_FFMPEG = ("ffmpeg", "-v", "error", "-y", "-i")
_COPY = ("-c", "copy", "-movflags", "+faststart")


def tables(directory: Path) -> list[Table]:
    """The whole `add` through the API of a running node, until the video is published."""
    table = Table(
        "Import that copies",
        ("file", "add", "ffmpeg + sha256sum", f"ratio (limit {LIMIT})"),
        f"Median of {RUNS} runs. Adding also probes, makes a poster, computes the torrent's "
        "SHA-1 pieces and syncs to the disk; its worker runs at low priority.",
    )
    if shutil.which("ffmpeg") is None or shutil.which("sha256sum") is None:
        table.add("needs ffmpeg and sha256sum", "", "", "")
        return [table]
    with nodes() as start:
        node = start(directory / "node")
        for suffix in ("mp4", "mkv"):
            source = make_large_mp4(directory / f"large.{suffix}", MEGABYTES * 1_000_000)
            source.read_bytes()  # both find it in the cache
            runs = [one_run(node, source, directory) for _ in range(RUNS)]
            ours, theirs = (statistics.median(times) for times in zip(*runs, strict=True))
            ratio = statistics.median(ours / theirs for ours, theirs in runs)
            name = f"{suffix}, {source.stat().st_size / 1e6:.0f} MB"
            table.add(name, f"{ours:.2f} s", f"{theirs:.2f} s", f"{ratio:.2f}")
            source.unlink()
    return [table]


def one_run(node: NodeProcess, source: Path, directory: Path) -> tuple[float, float]:
    added: list[str] = []
    ours = timed(lambda: added.append(add(node, source)))
    node.delete(f"videos/{added[0]}", delete_file="true")
    target = directory / "theirs.mp4"
    theirs = timed(lambda: reference(source, target))
    target.unlink()
    return ours, theirs


def add(node: NodeProcess, source: Path) -> str:
    """Add a file and wait for the end of its job; the video's id."""
    job = node.post("videos", {"path": str(source)})["id"]
    with node.api.stream("GET", "events", timeout=PATIENCE) as response:
        # Events and not polling: the node has the processor to itself.
        lines = response.iter_lines()
        next(lines)
        over = node.get(f"jobs/{job}")
        while over["state"] in {"queued", "running"}:
            next(line for line in lines if job in line)
            over = node.get(f"jobs/{job}")
    assert over["state"] == "done", over
    return str(over["video"])


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def reference(source: Path, target: Path) -> None:
    subprocess.run([*_FFMPEG, str(source), *_COPY, str(target)], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
