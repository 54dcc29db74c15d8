"""Peers for tests: a small content in memory, and peers that are stopped at the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from p2ptube.descriptor import parse_payload, seal
from p2ptube.errors import NotFound, P2PTubeError
from p2ptube.identity import Identity
from p2ptube.models import ClassicFile, Descriptor, Found, Holder, PeerAddress, Source
from p2ptube.overlay.messages import Announce, Announced
from p2ptube.overlay.peer import Peer
from p2ptube.overlay.settings import PeerSettings

TIMEOUT = 10.0
IDENTITY = Identity(bytes(range(32)))


def descriptor(title: str, *, sequence: int = 0) -> Descriptor:
    source = Source(
        info_hash=hashlib.sha1(title.encode()).hexdigest(),
        file_name=f"{title}.mp4",
        size=1000,
        piece_length=16 * 1024,
        sha256=hashlib.sha256(title.encode()).hexdigest(),
    )
    return Descriptor(
        title=title,
        duration=10,
        width=640,
        height=360,
        published_at=1.7e9,
        sequence=sequence,
        sources=(source,),
    )


def found(title: str, *holders: str, identity: Identity = IDENTITY) -> Found:
    return Found(
        descriptor=seal(descriptor(title), identity),
        holders=tuple(Holder(peer=h) for h in holders),
    )


def forged(title: str, *holders: str) -> Found:
    """A descriptor whose signature is of another payload."""
    good = found(title, *holders)
    payload = good.descriptor.payload.replace(b'"width":640', b'"width":641')
    return Found(
        descriptor=msgspec.structs.replace(good.descriptor, payload=payload),
        holders=good.holders,
    )


def title_of(answer: Found) -> str:
    return parse_payload(answer.descriptor.payload).title


@dataclass
class MemoryContent:
    """Files and videos in memory."""

    files: dict[str, bytes] = field(default_factory=dict)
    videos: list[Found] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    metadata_of: dict[str, bytes] = field(default_factory=dict)
    chunk: int = 100_000
    error: P2PTubeError | None = None  # raised by open_file
    error_after: int = 0  # chunks
    wait: asyncio.Event | None = None  # awaited before the first chunk
    responses: list[ClassicFile] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    queries: list[str] = field(default_factory=list)
    finds: list[str] = field(default_factory=list)
    opened: int = 0  # files being sent
    moved: asyncio.Event = field(default_factory=asyncio.Event)  # set when `opened` changes

    async def names_matching(self, key: str, limit: int) -> Sequence[str]:
        self.queries.append(key)
        return [name for name in self.files if key.lower() in name.lower()][:limit]

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        self.finds.append(text)
        return [v for v in self.videos if text.lower() in title_of(v).lower()][:limit]

    async def open_file(self, name: str) -> AsyncIterator[bytes]:
        self.opened += 1
        self.moved.set()
        try:
            async for chunk in self._chunks(name):
                yield chunk
        finally:
            self.opened -= 1
            self.moved.set()

    async def _chunks(self, name: str) -> AsyncIterator[bytes]:
        if self.wait is not None:
            await self.wait.wait()
        if self.error is not None and not self.error_after:
            raise self.error
        if name not in self.files:
            raise NotFound(name)
        data = self.files[name]
        for number, start in enumerate(range(0, len(data), self.chunk)):
            if self.error is not None and number == self.error_after:
                raise self.error
            yield data[start : start + self.chunk]

    async def metadata(self, info_hash: str) -> bytes | None:
        return self.metadata_of.get(info_hash)

    async def blob(self, sha256: str) -> bytes | None:
        return self.blobs.get(sha256)

    def announced(self, message: Announce, remote: str) -> Announced | None:
        return None

    def on_response(self, file: ClassicFile) -> None:
        self.responses.append(file)
        self.arrived.set()


class Network:
    """Makes peers, and stops them."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def peer(
        self,
        content: MemoryContent | None = None,
        *,
        on_change: Callable[[], None] | None = None,
        **settings: Any,
    ) -> Peer:
        peer = self.unstarted(content, on_change=on_change, **settings)
        await peer.start()
        return peer

    def unstarted(
        self,
        content: MemoryContent | None = None,
        *,
        on_change: Callable[[], None] | None = None,
        **settings: Any,
    ) -> Peer:
        given: dict[str, Any] = {
            "stabilize_interval": 3600.0,
            "name": "test",
            "swarm_port": 6000,
        } | settings
        peer = Peer(PeerSettings(**given), content or MemoryContent(), on_change=on_change)
        self._stack.push_async_callback(peer.stop)
        return peer

    def server(self, server: asyncio.Server) -> None:
        self._stack.callback(server.close)


@asynccontextmanager
async def network() -> AsyncGenerator[Network, None]:
    async with AsyncExitStack() as stack:
        yield Network(stack)


async def until(condition: Callable[[], bool], changed: asyncio.Event) -> None:
    """Wait until the condition holds, looking whenever `changed` is set."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            changed.clear()
            await changed.wait()


async def raw_exchange(address: PeerAddress, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes as they are; everything that comes until the close (a reset counts as one)."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    received = bytearray()
    try:
        writer.write(data)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(TIMEOUT):
            while part := await reader.read(65536):
                received += part
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return bytes(received)


async def dead_address() -> PeerAddress:
    """An address at which nobody listens any more."""
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return PeerAddress("127.0.0.1", port)
