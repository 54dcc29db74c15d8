"""Swarms that take addresses as text, and peers of them."""

from __future__ import annotations

import random
from typing import Any

from p2ptube.tracker.addresses import pack
from p2ptube.tracker.announce import Announce, AnnounceAnswer
from p2ptube.tracker.signalling import Channel
from p2ptube.tracker.swarms import Swarms

HASH = b"h" * 20


def peer_id(number: int) -> bytes:
    return b"%020d" % number


def announce(number: int = 0, **fields: Any) -> Announce:
    values: dict[str, Any] = {
        "info_hash": HASH,
        "peer_id": peer_id(number),
        "port": 1000 + number,
        "left": 10,
    }
    return Announce(**(values | fields))


class Tracked:
    """Swarms that take addresses as text."""

    def __init__(self, **options: Any) -> None:
        self.swarms = Swarms(random.Random(1), **options)

    def announce(
        self, announce: Announce, address: str, now: float = 0, **options: Any
    ) -> AnnounceAnswer:
        source = pack(address)
        assert source is not None
        return self.swarms.announce(announce, source, now, **options)

    def __len__(self) -> int:
        return len(self.swarms)


def ports(answer: AnnounceAnswer) -> list[int]:
    return sorted(int.from_bytes(endpoint[-2:]) for endpoint in answer.endpoints)


class Way(Channel):
    __slots__ = ("sent",)

    def __init__(self, address: bytes = bytes([8, 0, 0, 1])) -> None:
        super().__init__(address)
        self.sent: list[bytes] = []

    def send(self, message: bytes) -> None:
        self.sent.append(message)


def webrtc(
    swarms: Tracked, number: int, way: Way, wanted: int = 10, now: float = 0, **fields: Any
) -> list[Any]:
    fields = {"port": 0} | fields
    said = announce(number, **fields)
    answer, ways = swarms.swarms.announce_webrtc(said, way.source, way, wanted, now)
    assert len(ways) == len(answer.peer_ids)
    return ways
