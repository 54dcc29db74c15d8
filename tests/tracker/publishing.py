"""Nodes that publish to an index, as far as the index can tell."""

from __future__ import annotations

import hashlib
from typing import Any

from p2ptube.descriptor import seal
from p2ptube.identity import Identity
from p2ptube.models import Descriptor, SignedDescriptor, Source
from p2ptube.tracker.addresses import pack
from p2ptube.tracker.index import Held, Publication, Receipt, seal_publication
from p2ptube.tracker.index_store import Index

FAR = "198.51.100.7"  # an address of the internet


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def video_id(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def describe(name: str = "fox", **fields: Any) -> Descriptor:
    source = Source(
        info_hash=video_id(name),
        file_name=f"{name}.mp4",
        size=1000,
        piece_length=16384,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )
    common: dict[str, Any] = {"title": name, "duration": 10.0, "width": 320, "height": 180}
    return Descriptor(**{**common, "published_at": 1.0, "sources": (source,), **fields})


class Teller:
    """A node with a key and an address, which tells an index what it holds."""

    def __init__(self, index: Index, clock: Clock, number: int = 1, source: str = FAR) -> None:
        self.identity = Identity(bytes([number]) * 32)
        self.index = index
        self.source = source
        self._clock = clock
        self._at = 0
        self.ports = (5000 + number, 6000 + number)

    @property
    def peer(self) -> str:
        return f"{self.source}:{self.ports[0]}"

    def describe(self, name: str = "fox", **fields: Any) -> SignedDescriptor:
        return seal(describe(name, **fields), self.identity)

    def hold(self, name: str, key: bytes | None = None, sequence: int = 0) -> Held:
        return Held(id=video_id(name), key=key or self.identity.public_key, sequence=sequence)

    def body(self, **parts: Any) -> bytes:
        self._at = max(self._at + 1, int(self._clock.now * 1000))
        overlay, swarm = self.ports
        fields: dict[str, Any] = {
            "index": self.index.id,
            "at": self._at,
            "peer": f"{self.source}:{overlay}",
            "swarm": f"{self.source}:{swarm}",
        }
        return seal_publication(Publication(**{**fields, **parts}), self.identity)

    async def tell(self, **parts: Any) -> Receipt:
        return await self.send(self.body(**parts))

    async def send(self, body: bytes) -> Receipt:
        source = pack(self.source)
        assert source is not None
        return await self.index.publish(body, source)
