"""How long an import takes that only copies, against FFmpeg and one SHA-256 pass over the result.

`python -m bench.media [MEGABYTES]`
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.clips import make_large_mp4

from p2ptube.media.convert import import_media
from p2ptube.media.worker import run_in_worker

RUNS = 3
LIMIT = 1.5  # what the ratio must stay below


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def reference(source: Path, target: Path) -> None:
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-i",
            source,
            "-c",
            "copy",
            "-movflags",
            "+faststart",
            target,
        ],
        check=True,
    )
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)


def one_run(source: Path, directory: Path) -> tuple[float, float]:
    ours = timed(lambda: asyncio.run(run_in_worker(import_media, source, directory / "ours")))
    shutil.rmtree(directory / "ours")
    theirs = timed(lambda: reference(source, directory / "theirs.mp4"))
    (directory / "theirs.mp4").unlink()
    return ours, theirs


def compare(suffix: str, megabytes: int, directory: Path) -> float:
    source = make_large_mp4(directory / f"large.{suffix}", megabytes * 1_000_000)
    source.read_bytes()  # both find it in the cache
    runs = [one_run(source, directory) for _ in range(RUNS)]
    size = source.stat().st_size
    source.unlink()
    ratio = statistics.median(ours / theirs for ours, theirs in runs)
    print(f"{suffix}, {size / 1e6:.0f} MB, {RUNS} runs")
    for ours, theirs in runs:
        print(f"  import {ours:6.2f} s   ffmpeg + sha256sum {theirs:6.2f} s   {ours / theirs:.2f}")
    print(f"  median ratio {ratio:.2f} (limit {LIMIT})")
    return ratio


def main() -> int:
    if shutil.which("ffmpeg") is None or shutil.which("sha256sum") is None:
        print("needs the programs ffmpeg and sha256sum to compare with", file=sys.stderr)
        return 2
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="p2ptube-bench-") as name:
        ratios = [compare(suffix, megabytes, Path(name)) for suffix in ("mp4", "mkv")]
    return int(max(ratios) >= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
