"""A tracker's port on this machine, and what clients of it need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from websockets.asyncio.client import ClientConnection, connect

from p2ptube.config import Config
from p2ptube.tracker.tracker import Tracker
from p2ptube.web.listening import LOOPBACK
from p2ptube.web.public_port import PublicPort
from p2ptube.web.tracker_alone import create_tracker_app
from p2ptube.web.tracker_server import TrackerServer

HASH = b"h" * 20
SECONDS = 20


class Port:
    """A tracker that listens, and shortcuts to it."""

    def __init__(self, server: TrackerServer, port: int, tls: ssl.SSLContext | None) -> None:
        self.server, self.port, self.tls = server, port, tls

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        return await asyncio.open_connection(LOOPBACK, self.port, ssl=self.tls)

    async def ask(self, *parts: bytes) -> bytes:
        """Send parts, each in a packet of its own; all that comes until the other side closes."""
        reader, writer = await self.open()
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
        return answer

    def socket(self, **options: Any) -> connect:
        """A WebSocket."""
        scheme = "wss" if self.tls else "ws"
        url = f"{scheme}://{LOOPBACK}:{self.port}/announce"
        return connect(url, proxy=None, ssl=self.tls, compression=None, **options)

    @property
    def peers(self) -> int:
        """How many there are."""
        return self.server.tracker.stats(self.server.clock()).peers

    async def until_peers(self, number: int) -> None:
        """Wait until there are so many peers."""
        async with asyncio.timeout(SECONDS):
            while self.peers != number:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def tracker_port(
    *,
    behind_proxy: bool = False,
    tls: ssl.SSLContext | None = None,
    trust: ssl.SSLContext | None = None,
    host: str = LOOPBACK,
    blocks: Callable[[str], bool] = lambda host: False,
) -> AsyncIterator[Port]:
    """Run a tracker at a free port."""
    tracker = Tracker(random.Random(1), b"k" * 32)
    server = TrackerServer(tracker, behind_proxy=behind_proxy, blocks=blocks)
    public = PublicPort(host, 0)
    public_url = "https://t.example" if behind_proxy else ""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(data_dir=Path(folder), public_url=public_url)
        try:
            await public.start(create_tracker_app(config, server), server, tls)
            yield Port(server, public.port, trust)
        finally:
            await public.stop()
            public.close()


def query(number: int = 1, **fields: Any) -> bytes:
    """The query of an announce."""
    named = {
        "info_hash": quote_from_bytes(HASH),
        "peer_id": f"{number:020}",
        "port": 1000 + number,
        "left": 1,
    } | fields
    return "&".join(f"{name}={value}" for name, value in named.items()).encode()


def request(number: int = 1, *headers: str, **fields: Any) -> bytes:
    """A request with an announce."""
    lines = ["Host: t", *headers]
    return b"GET /announce?%b HTTP/1.1\r\n%b\r\n\r\n" % (
        query(number, **fields),
        "\r\n".join(lines).encode(),
    )


def message(name: str, **fields: Any) -> str:
    """An announce over WebSocket."""
    named = {"action": "announce", "info_hash": HASH.decode(), "peer_id": name * 20, "left": 1}
    return json.dumps(named | fields)


async def say(end: ClientConnection, text: str) -> dict[str, Any]:
    """Send a message; what comes back."""
    await end.send(text)
    return await hear(end)


async def hear(end: ClientConnection) -> dict[str, Any]:
    """The next message."""
    heard: dict[str, Any] = json.loads(await asyncio.wait_for(end.recv(), SECONDS))
    return heard
