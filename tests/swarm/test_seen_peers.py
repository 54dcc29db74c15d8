"""What is remembered of connections that are over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import libtorrent as lt
import pytest

from p2ptube.swarm import seen_peers
from p2ptube.swarm.seen_peers import SeenPeers


@dataclass
class Info:
    """A connection as libtorrent tells of it."""

    port: int
    total_download: int = 0
    flags: int = 0
    total_upload: int = 0
    client: bytes = b"p2ptube/0"
    source: int = 1
    connection_type: object = lt.peer_info.standard_bittorrent
    progress: float = 0.5
    payload_down_speed: int = 7
    payload_up_speed: int = 8

    def remote_endpoint(self) -> tuple[str, int]:
        """Where it leads."""
        return "192.0.2.1", self.port


def look(seen: SeenPeers, *infos: Info) -> None:
    seen.look(cast(Any, infos))


def ports(seen: SeenPeers) -> list[int]:
    return [int(peer.address.rpartition(":")[2]) for peer in seen.all()]


def test_what_those_who_left_gave_is_kept() -> None:
    seen = SeenPeers()
    look(seen, Info(1, total_download=100), Info(2))
    assert (ports(seen), seen.connected) == ([1, 2], 2)
    look(seen, Info(3))
    assert (ports(seen), seen.connected) == ([1, 3], 1)  # 2 gave nothing
    gone = seen.all()[0]
    assert (gone.downloaded, gone.connected) == (100, False)
    assert (gone.download_rate, gone.upload_rate) == (0, 0)
    look(seen, Info(3), Info(1, total_download=5))  # it is back
    assert [(peer.downloaded, peer.connected) for peer in seen.all()] == [(0, True), (5, True)]


def test_who_is_not_connected_yet_is_nobody() -> None:
    seen = SeenPeers()
    look(seen, Info(1, flags=lt.peer_info.connecting), Info(2, flags=lt.peer_info.handshake))
    assert (ports(seen), seen.connected) == ([], 0)


def test_those_who_left_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_peers, "MOST_GONE", 3)
    seen = SeenPeers()
    for port in range(1, 7):
        look(seen, Info(port, total_download=1))
    look(seen)
    assert (ports(seen), seen.connected) == ([4, 5, 6], 0)
