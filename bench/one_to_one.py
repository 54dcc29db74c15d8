"""One holder, one who fetches, nothing shaped: the rate, what it costs, and the memory it takes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from bench.media import add, timed
from bench.pair import pair
from bench.servers import LOOPBACK, servers
from bench.table import Table
from bench.transfer import download, fetch, forget
from tests.clips import make_large_mp4
from tests.nodes import NodeProcess, nodes

from p2ptube.swarm.publish import sha256_of

RUNS = 5
MEGABYTE = 1_000_000
SIZE = 500 * MEGABYTE
LARGE = 2000 * MEGABYTE
SAMPLE_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")
_LOG_TIME = "%Y-%m-%d %H:%M:%S,%f"


@dataclass
class Way:
    """A way to get the file. `processes`: who sends, then who receives, for their CPU time."""

    run: Callable[[], object]
    clear: Callable[[], object]
    processes: tuple[int, ...] = ()
    seconds: list[float] = field(default_factory=list)
    cpu: list[list[float]] = field(default_factory=list)


def tables(directory: Path) -> list[Table]:
    """The rates of all ways side by side, and the memory of the nodes."""
    served = directory / "files"
    served.mkdir()
    film = make_large_mp4(served / "film.mp4", SIZE, faststart=True)
    return [rates(directory, film), memory(directory / "memory")]


# --- rates ---------------------------------------------------------------------------------------


def rates(directory: Path, film: Path) -> Table:
    size = film.stat().st_size
    with nodes() as start, servers(film.parent) as ports, pair(film, directory / "pair") as bare:
        holder = start(directory / "holder")
        video_id = add(holder, film)
        viewer = start(directory / "viewer", join=holder.peer_id)
        copy = directory / "copy.mp4"
        ways = http_ways(ports, film.name, copy)
        ways["libtorrent alone"] = Way(bare.fetch, bare.forget, (bare.seeder.pid, bare.fetcher.pid))
        both = (_pid(holder), _pid(viewer))
        whole = Way(
            partial(fetch, viewer, video_id), partial(forget, viewer, video_id, film.stem), both
        )
        whole.clear()  # forgets, and finds the video
        ways["p2ptube"] = whole
        for _ in range(RUNS):
            for way in ways.values():
                measure(way, directory)
        unchecked = replace(whole, seconds=_unchecked(viewer, whole.seconds), cpu=[])
    ways["p2ptube, until all pieces are here"] = unchecked
    return _table(ways, size)


def http_ways(ports: dict[str, int], name: str, copy: Path) -> dict[str, Way]:
    """The ways over HTTP that this machine has."""
    result = {}
    if "nginx" in ports and shutil.which("curl") is not None:
        url = f"http://{LOOPBACK}:{ports['nginx']}/{name}"
        curl = ["curl", "-s", "-f", "-o", str(copy), url]
        get = partial(subprocess.run, curl, check=True)
        result["nginx + curl"] = Way(get, copy.unlink)
        result["nginx + curl, then SHA-256"] = Way(partial(_careful, get, copy), copy.unlink)
    for server, port in ports.items():
        if server != "nginx":
            # It deletes the copy itself.
            careful = partial(download, port, name, copy)
            result[f"{server}, then SHA-256"] = Way(careful, lambda: None)
    return result


def _careful(get: Callable[[], object], copy: Path) -> None:
    get()
    sha256_of(copy)


def measure(way: Way, directory: Path) -> None:
    """One run."""
    touch_memory(directory / "touched", SIZE + SIZE // 2)
    before = [cpu_seconds(pid) for pid in way.processes]
    way.seconds.append(timed(way.run))
    spent = [cpu_seconds(pid) for pid in way.processes]
    way.cpu.append([after - at_first for at_first, after in zip(before, spent, strict=True)])
    way.clear()


def touch_memory(path: Path, size: int) -> None:
    """Write and delete a file, so that the memory for the next one has been in use just now.

    On a virtual machine the first touch of a page can cost more than all that is measured here.
    """
    chunk = bytes(MEGABYTE)
    with path.open("wb", buffering=0) as file:
        for _ in range(size // len(chunk)):
            file.write(chunk)
    path.unlink()


def _table(ways: dict[str, Way], size: int) -> Table:
    table = Table(
        f"One to one, {size / 1e6:.0f} MB into a file",
        ("by", "MB/s, median", "MB/s, best", "CPU s per GB: sender", "receiver"),
        f"{RUNS} runs, all ways in turn within each; memory for the file was in use just before. "
        "A fetch by p2ptube, with default settings, counts from the request until every piece "
        "(SHA-1) and the whole file (SHA-256) are checked and it is reported as complete. "
        "libtorrent alone: two bare sessions with the same settings, no SHA-256.",
    )
    for name, way in ways.items():
        spent = [statistics.median(each) / size * 1e9 for each in zip(*way.cpu, strict=True)]
        costs = [f"{each:.2f}" for each in spent] or ["", ""]
        middle, least = statistics.median(way.seconds), min(way.seconds)
        table.add(name, f"{size / middle / 1e6:.0f}", f"{size / least / 1e6:.0f}", *costs)
    return table


def _unchecked(node: NodeProcess, seconds: list[float]) -> list[float]:
    """The same runs without the SHA-256 of the whole file, by the node's log."""
    text = (node.data_dir / "p2ptube.log").read_text()
    times = re.findall(r"^(\S+ \S+) .*(?:pieces are here|: fetched) ", text, re.MULTILINE)
    moments = [datetime.strptime(time, _LOG_TIME).timestamp() for time in times]
    checks = [end - begin for begin, end in zip(moments[::2], moments[1::2], strict=True)]
    return [whole - check for whole, check in zip(seconds, checks, strict=True)]


# --- memory --------------------------------------------------------------------------------------


def memory(directory: Path) -> Table:
    directory.mkdir()
    film = make_large_mp4(directory / "long.mp4", LARGE, faststart=True)
    size = film.stat().st_size
    with nodes() as start:
        holder = start(directory / "holder")
        video_id = add(holder, film)
        viewer = start(directory / "viewer", join=holder.peer_id)
        forget(viewer, video_id, film.stem)
        idle = [resident(_pid(node)) for node in (holder, viewer)]
        touch_memory(directory / "touched", size)
        with highest(_pid(holder)) as of_holder, highest(_pid(viewer)) as of_viewer:
            seconds = timed(lambda: fetch(viewer, video_id))
        after = [resident(_pid(node)) for node in (holder, viewer)]
    table = Table(
        f"Memory of the nodes, fetch of {size / 1e9:.1f} GB at {size / seconds / 1e6:.0f} MB/s",
        ("node", "before, MB", "highest, MB", "after, MB"),
        f"Resident memory, every {SAMPLE_SECONDS * 1000:.0f} ms.",
    )
    for row in zip(("holder", "viewer"), idle, (of_holder, of_viewer), after, strict=True):
        name, before, most, end = row
        table.add(name, *(f"{value / 1e6:.0f}" for value in (before, max(most), end)))
    return table


@contextlib.contextmanager
def highest(pid: int) -> Iterator[list[int]]:
    """Sample the memory of a process meanwhile; the list has one item: the most so far."""
    seen = [resident(pid)]
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            seen[0] = max(seen[0], resident(pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


# --- processes -----------------------------------------------------------------------------------


def resident(pid: int) -> int:
    """The memory of a process that is in RAM, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """The processor time of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pid(node: NodeProcess) -> int:
    assert node.process is not None
    return node.process.pid
