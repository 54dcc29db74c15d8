"""How fast bytes come: from a complete file, from several holders, at first."""

from __future__ import annotations

import hashlib
import socket
import statistics
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.media import add, timed
from bench.servers import LOOPBACK, servers
from bench.table import Table
from tests.clips import make_clip, make_large_mp4
from tests.nodes import NodeProcess, nodes

RUNS = 5
MEGABYTES = 500
HOLDER_RATE = 1_000_000  # bytes/s that each of three limited holders gives
SLOW_RATE = 200_000
FIRST_BYTES = 64 * 1024
POINTED_SECONDS = 5.0
READ_BYTES = 1 << 20
PATIENCE = 600


def tables(directory: Path) -> list[Table]:
    """All that is measured of transfers."""
    served = directory / "files"
    served.mkdir()
    large = make_large_mp4(served / "large.mp4", MEGABYTES * 1_000_000, faststart=True)
    return [
        throughput(directory, large),
        three_holders(directory / "three"),
        *first_bytes(directory / "first"),
    ]


# --- throughput ----------------------------------------------------------------------------------


def throughput(directory: Path, large: Path) -> Table:
    size = large.stat().st_size
    with nodes() as start, servers(large.parent) as ports:
        seeder = start(directory / "seeder")
        video_id = add(seeder, large)
        reading: dict[str, Callable[[], object]] = {
            name: lambda port=port: drain(get(port, f"/{large.name}"))  # type: ignore[misc]
            for name, port in ports.items()
        }
        reading["/stream"] = lambda: drain(stream(seeder, video_id))
        reading["FGET"] = lambda: drain(get_file(seeder, large.name))
        return compared(
            "A complete file",
            "Read by one plain socket that keeps nothing; all of it is in the page cache.",
            reading,
            size,
        )


def compared(title: str, note: str, ways: dict[str, Callable[[], object]], size: int) -> Table:
    """Time all ways in turn, several rounds; their ratios to the first within each round."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, way in ways.items():
            times[name].append(timed(way))
    reference = next(iter(ways))
    table = Table(
        f"{title}, {size / 1e6:.0f} MB",
        ("by", "MB/s", f"ratio to {reference}"),
        f"Median of {RUNS} runs. {note}",
    )
    for name, taken in times.items():
        rate = size / statistics.median(taken) / 1e6
        pairs = zip(times[reference], taken, strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        table.add(name, f"{rate:.0f}", f"{ratio:.2f}")
    return table


def download(port: int, name: str, target: Path) -> None:
    """What a careful HTTP client does: write the file, then check its SHA-256."""
    with get(port, f"/{name}") as sock, sock.makefile("rb") as body, target.open("wb") as out:
        while body.readline().strip():
            pass
        while data := body.read(READ_BYTES):
            out.write(data)
    with target.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    target.unlink()


# --- several holders -----------------------------------------------------------------------------


def three_holders(directory: Path) -> Table:
    directory.mkdir()
    clip = make_large_mp4(directory / "shared.mp4", 30_000_000, faststart=True)
    size = clip.stat().st_size
    rates = []
    with nodes() as start:
        first = start(directory / "1", upload_limit=HOLDER_RATE)
        others = [
            start(directory / str(n), join=first.peer_id, upload_limit=HOLDER_RATE) for n in (2, 3)
        ]
        video_id = add(first, clip)
        for node in others:
            add(node, clip)
        fetcher = start(directory / "fetcher", join=first.peer_id)
        for _ in range(3):
            holders = fetcher.until(
                lambda: forget(fetcher, video_id, "shared")["holders"], lambda h: len(h) == 3
            )
            assert len(holders) == 3
            rates.append(size / timed(lambda: fetch(fetcher, video_id)) / 3 / HOLDER_RATE)
    table = Table(
        f"Three holders, each limited to 1 MB/s, {size / 1e6:.0f} MB",
        ("run", "MB/s", "of what they could give"),
        "From the request to the complete file.",
    )
    for number, rate in enumerate(rates, start=1):
        table.add(str(number), f"{rate * 3:.2f}", f"{rate:.0%}")
    return table


# --- the start -----------------------------------------------------------------------------------


def first_bytes(directory: Path) -> list[Table]:
    directory.mkdir()
    clip = make_clip(directory / "begin.mp4", seconds=20, faststart=True)
    start_table = Table(
        "The first 64 KiB of /stream of a video that is elsewhere",
        ("holder", "median", "slowest"),
        f"{RUNS} runs; before each, the viewer has found the video and has nothing of it. Or it "
        f"has been pointed at for {POINTED_SECONDS:.0f} s, so that its head was fetched ahead.",
    )
    for name, limit in (("unlimited", 0), ("limited to 200 kB/s", SLOW_RATE)):
        taken, ahead, found = beginnings(directory / str(limit), clip, limit)
        start_table.add(name, *in_milliseconds(taken))
        start_table.add(f"{name}, pointed at", *in_milliseconds(ahead))
    search_table = Table(
        "A search for a known name",
        ("until", "median", "slowest"),
        "20 runs; the video is at a peer one hop away.",
    )
    search_table.add("the first result", *in_milliseconds(found))
    return [start_table, search_table]


def beginnings(
    directory: Path, clip: Path, limit: int
) -> tuple[list[float], list[float], list[float]]:
    """Times until the first bytes, the same when pointed at, and until a search's first result."""
    with nodes() as start:
        holder = start(directory / "holder", upload_limit=limit)
        video_id = add(holder, clip)
        viewer = start(directory / "viewer", join=holder.peer_id)
        taken, ahead = [], []
        for _ in range(RUNS):
            forget(viewer, video_id, "begin")
            taken.append(timed(lambda: first(viewer, video_id)))
            forget(viewer, video_id, "begin")
            viewer.post(f"videos/{video_id}/prefetch")
            time.sleep(POINTED_SECONDS)
            ahead.append(timed(lambda: first(viewer, video_id)))
        found = [timed(lambda: first_result(viewer, "begin")) for _ in range(20)]
    return taken, ahead, found


def in_milliseconds(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times) * 1e3:.0f} ms", f"{max(times) * 1e3:.0f} ms"


def first(node: NodeProcess, video_id: str) -> None:
    with stream(node, video_id) as sock:
        left = FIRST_BYTES
        while left > 0:
            data = sock.recv(READ_BYTES)
            assert data, "the stream ended early"
            left -= len(data)


def first_result(node: NodeProcess, text: str) -> None:
    headers = {"Accept": "text/event-stream"}
    with node.api.stream("GET", "search", params={"q": text}, headers=headers) as response:
        next(line for line in response.iter_lines() if line.startswith("data: {"))


# --- one transfer --------------------------------------------------------------------------------


def get(port: int, path: str, *headers: str) -> socket.socket:
    """Send a GET request; the socket from which the answer is to be read."""
    sock = socket.create_connection((LOOPBACK, port), timeout=PATIENCE)
    lines = [f"GET {path} HTTP/1.1", f"Host: {LOOPBACK}:{port}", *headers, "Connection: close"]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    return sock


def stream(node: NodeProcess, video_id: str) -> socket.socket:
    port = int(node.info["ports"]["web"])
    return get(port, f"/stream/{video_id}", f"Authorization: Bearer {node.info['token']}")


def get_file(node: NodeProcess, name: str) -> socket.socket:
    host, port = node.peer_id.split(":")
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
    sock.sendall(struct.pack("!4sL", b"FGET", len(name)) + name.encode())
    return sock


def drain(sock: socket.socket) -> int:
    """Read to the end and keep nothing; how much it was."""
    buffer, total = bytearray(READ_BYTES), 0
    with sock:
        while count := sock.recv_into(buffer):
            total += count
    return total


def forget(node: NodeProcess, video_id: str, text: str) -> dict[str, Any]:
    """Delete a video if it is there, and find it anew."""
    response = node.api.delete(f"videos/{video_id}", params={"delete_file": "true"})
    assert response.status_code in {204, 404}, response.text
    return node.find(text)


def fetch(node: NodeProcess, video_id: str) -> None:
    """Fetch a video and wait, by the node's events, until it is complete."""
    with node.api.stream("GET", "events", timeout=PATIENCE) as response:
        lines = response.iter_lines()
        next(lines)
        node.post(f"videos/{video_id}/fetch")
        while node.get(f"videos/{video_id}")["state"] != "complete":
            next(line for line in lines if video_id in line)
