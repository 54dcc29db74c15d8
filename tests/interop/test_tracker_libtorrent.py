"""Two sessions of libtorrent that meet at our tracker alone, over each of its protocols."""

from __future__ import annotations

import hashlib
import random
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import libtorrent as lt
import pytest
from tests.tracker_process import TrackerProcess

from p2ptube.swarm.connections import is_webrtc

SIZE = 3_000_000
PATIENCE = 60.0
SETTINGS: dict[str, Any] = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "allow_multiple_connections_per_ip": True,
    "close_redundant_connections": False,
    "announce_to_all_trackers": True,
    "announce_to_all_tiers": True,
    "webtorrent_stun_server": "",
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification,
}


@pytest.fixture
def torrents(tmp_path: Path) -> Callable[[int], list[tuple[lt.torrent_info, Path]]]:
    """Makes torrents of files of noise."""

    def make(count: int) -> list[tuple[lt.torrent_info, Path]]:
        made = []
        for number in range(count):
            path = tmp_path / "seed" / f"{number}.bin"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(random.Random(number).randbytes(SIZE))
            entry: dict[bytes, Any] = {
                b"name": path.name.encode(),
                b"length": SIZE,
                b"piece length": 65536,
                b"pieces": _hashes(path),
            }
            made.append((lt.torrent_info(_encoded({b"info": entry})), path))
        return made

    return make


def _encoded(value: Any) -> bytes:
    return lt.bencode(value)


def _hashes(path: Path) -> bytes:
    data = path.read_bytes()
    parts = (data[at : at + 65536] for at in range(0, len(data), 65536))
    return b"".join(hashlib.sha1(part).digest() for part in parts)


def session(host: str) -> lt.session:
    where = f"[{host}]" if ":" in host else host
    settings: Any = {**SETTINGS, "listen_interfaces": f"{where}:0"}
    return lt.session(settings)


def add(to: lt.session, info: lt.torrent_info, folder: Path, trackers: list[str]) -> Any:
    params = lt.add_torrent_params()
    params.ti, params.save_path, params.trackers = info, str(folder), trackers
    params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    return to.add_torrent(params)


def until(good: Callable[[], bool], *sessions: lt.session) -> None:
    deadline = time.monotonic() + PATIENCE
    said: deque[str] = deque(maxlen=24)
    while not good():
        assert time.monotonic() < deadline, "\n".join(said)
        sessions[0].wait_for_alert(100)
        # Those that nobody takes would end the next wait at once.
        said += [alert.message() for each in sessions for alert in each.pop_alerts()]


def same(copy: Path, original: Path) -> bool:
    return copy.exists() and copy.read_bytes() == original.read_bytes()


@pytest.mark.parametrize(
    ("way", "host"),
    # libtorrent keeps a UDP tracker's connection id by its address, for all sessions of a process:
    # over UDP each tracker needs an address of its own.
    [("http", "127.0.0.1"), ("udp", "127.0.0.15"), ("ws", "127.0.0.1"), ("udp", "::1")],
)
def test_two_sessions_meet(
    tmp_path: Path,
    torrents: Callable[[int], list[tuple[lt.torrent_info, Path]]],
    way: str,
    host: str,
) -> None:
    made = torrents(3)
    with (
        TrackerProcess(tmp_path / "tracker", host) as tracker,
        httpx.Client(base_url=tracker.origin, trust_env=False) as client,
    ):
        url = tracker.at(way)
        seed, leech = session(host), session(host)
        seeding = [add(seed, info, path.parent, [url]) for info, path in made]
        until(lambda: all(each.status().is_seeding for each in seeding), seed)
        fetching = [add(leech, info, tmp_path / "leech", [url]) for info, _ in made]
        transports: set[bool] = set()

        def complete() -> bool:
            for each in fetching:
                transports.update(is_webrtc(peer) for peer in each.get_peer_info())
            return all(each.status().is_seeding for each in fetching)

        until(complete, leech, seed)
        for _, path in made:
            copy = tmp_path / "leech" / path.name
            # What is verified is not at once what other file descriptors see.
            until(lambda a=copy, b=path: same(a, b), leech)  # type: ignore[misc]
        stats = client.get("/stats").json()
        named = {"http": "announces_http", "udp": "announces_udp", "ws": "announces_websocket"}
        assert stats[named[way]] >= 6
        assert stats["refused"] == 0
        if way == "ws":
            # One socket of each session carries all its torrents.
            assert (stats["websockets"], stats["webrtc_peers"]) == (2, 6)
            assert stats["answers"] >= 3
            assert True in transports
            del leech, fetching
            until(lambda: client.get("/stats").json()["websockets"] == 1, seed)
            assert client.get("/stats").json()["webrtc_peers"] == 3
