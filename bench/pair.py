"""A pair of bare libtorrent sessions with the node's settings: what the data plane itself can do.

`python -m bench.pair FILE INFO [HOST:PORT DIRECTORY]` seeds a file, or fetches it into a directory
once for every line of its input. Each is a process of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import libtorrent as lt
from bench.servers import LOOPBACK

from p2ptube.swarm.metainfo import torrent_info
from p2ptube.swarm.publish import hash_file
from p2ptube.swarm.settings import SwarmSettings, pack


class Pair:
    """Both processes. `fetch` is what is measured."""

    def __init__(self, seeder: subprocess.Popen[str], fetcher: subprocess.Popen[str]) -> None:
        self.seeder = seeder
        self.fetcher = fetcher

    def fetch(self) -> None:
        """Fetch the file until every piece is checked (SHA-1) and visible in the file."""
        _say(self.fetcher)
        _hear(self.fetcher)

    def forget(self) -> None:
        """Delete what was fetched."""
        _say(self.fetcher)
        _hear(self.fetcher)


@contextlib.contextmanager
def pair(file: Path, directory: Path) -> Iterator[Pair]:
    """Run both meanwhile. `directory` gets the file's metadata and what is fetched."""
    directory.mkdir()
    info = directory / "info"
    info.write_bytes(hash_file(file, lambda _: None).info)
    with contextlib.ExitStack() as stack:
        seeder = stack.enter_context(_started(file, info))
        address = f"{LOOPBACK}:{_hear(seeder)}"
        fetcher = stack.enter_context(_started(file, info, address, str(directory / "got")))
        _hear(fetcher)
        yield Pair(seeder, fetcher)


@contextlib.contextmanager
def _started(file: Path, info: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.pair", str(file), str(info), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a session of the pair ended"
    return line.strip()


# --- the two processes ---------------------------------------------------------------------------


def main(file: str, info: str, address: str = "", directory: str = "") -> None:
    settings = SwarmSettings(host=LOOPBACK, port=0, dht=False, lan=False)
    session = lt.session(cast(Any, pack(settings)))
    params = lt.add_torrent_params()
    params.ti = torrent_info(Path(info).read_bytes())
    params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    if address:
        params.save_path = directory
        print("ready", flush=True)
        host, port = address.split(":")
        while sys.stdin.readline():
            _fetch(session, params, (host, int(port)))
    else:
        params.save_path = str(Path(file).parent)
        params.flags |= lt.torrent_flags.seed_mode
        params.have_pieces = params.verified_pieces = [True] * params.ti.num_pieces()
        session.add_torrent(params)
        print(session.listen_port(), flush=True)
        sys.stdin.readline()


def _fetch(session: lt.session, params: lt.add_torrent_params, holder: tuple[str, int]) -> None:
    handle = session.add_torrent(params)
    handle.connect_peer(holder)
    # Dialled at once, and not at the next second: see Torrent.hurry.
    time.sleep(0.02)
    handle.pause()
    handle.resume()
    _await(session, lt.torrent_finished_alert)
    handle.flush_cache()
    _await(session, lt.cache_flushed_alert)
    print("fetched", flush=True)
    sys.stdin.readline()
    session.remove_torrent(handle)
    _await(session, lt.torrent_removed_alert)
    shutil.rmtree(params.save_path)
    print("forgotten", flush=True)


def _await(session: lt.session, kind: type) -> None:
    while True:
        session.wait_for_alert(1000)
        if any(isinstance(alert, kind) for alert in session.pop_alerts()):
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
