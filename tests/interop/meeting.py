"""Where our nodes and other people's programs meet: at our trackers, and nowhere else."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes, urlsplit

import httpx
import libtorrent as lt
from tests.nodes import NodeProcess, nodes
from tests.tracker_process import TrackerProcess

from p2ptube.swarm import hash_file
from p2ptube.swarm.publish import magnet_link

FILM_BYTES = 3_000_000


class Tracker(NamedTuple):
    """The announce URLs of one tracker."""

    http: str
    udp: str
    ws: str

    @classmethod
    def at(cls, port: int) -> Tracker:
        return cls(*(f"{scheme}://127.0.0.1:{port}/announce" for scheme in cls._fields))


class Meeting(NamedTuple):
    """`sharer` announces its videos to both trackers; `fetcher` is told of them by links only."""

    sharer: NodeProcess
    fetcher: NodeProcess
    node: Tracker  # the fetcher's public port
    alone: Tracker  # `p2ptube tracker`


class Film(NamedTuple):
    """A file of its own, and the torrent that everybody makes of it."""

    path: Path
    info_hash: str
    info: bytes

    def magnet(self, tracker: str) -> str:
        return magnet_link(self.info_hash, self.path.name, (tracker,))

    def torrent(self, tracker: str) -> Path:
        """Write the .torrent file."""
        path = self.path.with_suffix(".torrent")
        path.write_bytes(b"d8:announce%d:%s4:info%se" % (len(tracker), tracker.encode(), self.info))
        return path


def film(reel: Path, path: Path) -> Film:
    """Make a film of megabytes from a clip: it is made longer by a box that players skip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = random.Random(path.name).randbytes(FILM_BYTES)
    path.write_bytes(reel.read_bytes() + struct.pack("!I4s", 8 + FILM_BYTES, b"free") + noise)
    hashed = hash_file(path, lambda _: None)
    return Film(path, hashed.info_hash, hashed.info)


@contextmanager
def a_meeting(folder: Path) -> Iterator[Meeting]:
    """Start the trackers and the nodes."""
    with TrackerProcess(folder / "tracker") as tracker, nodes() as start:
        fetcher = start(folder / "fetcher", "--public-port", "0")
        node, alone = Tracker.at(fetcher.info["ports"]["public"]), Tracker.at(tracker.port)
        flags = [flag for url in (node.udp, alone.http, alone.ws) for flag in ("--tracker", url)]
        yield Meeting(start(folder / "sharer", *flags), fetcher, node, alone)


def counts(tracker: str, info_hash: str) -> tuple[int, int]:
    """How many seeds, and how many others, the server of an announce URL knows in a swarm."""
    url = f"http://{urlsplit(tracker).netloc}/scrape?info_hash="
    answer = httpx.get(url + quote_from_bytes(bytes.fromhex(info_hash)))
    decoded: Any = lt.bdecode(answer.content)
    swarm = decoded[b"files"].get(bytes.fromhex(info_hash), {})
    return swarm.get(b"complete", 0), swarm.get(b"incomplete", 0)


def until_counted(tracker: str, info_hash: str, *, seeds: int = 0, others: int = 0) -> None:
    """Wait until the tracker knows at least so many in a swarm."""
    NodeProcess.until(
        lambda: counts(tracker, info_hash), lambda seen: seen[0] >= seeds and seen[1] >= others
    )
