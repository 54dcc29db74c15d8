"""A line over which a peer is reached, and that can stop carrying anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from p2ptube.models import PeerAddress


@dataclass
class Gate:
    """While it is shut, bytes go neither way, and no connection ends: as with a frozen program."""

    address: PeerAddress = field(default=PeerAddress("127.0.0.1", 0))
    carried: int = 0  # bytes, both ways
    connections: int = 0
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def shut(self) -> None:
        """Carry nothing more."""
        self._open.clear()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                self.carried += len(data)
                sink.write(data)
                await sink.drain()
        sink.close()


@contextlib.asynccontextmanager
async def gate(target: PeerAddress) -> AsyncIterator[Gate]:
    """A gate to this peer, open at first."""
    result = Gate()
    result._open.set()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        result.connections += 1
        there, out = await asyncio.open_connection(target.host, target.port)
        for source, sink in ((reader, out), (there, writer)):
            tasks.add(asyncio.create_task(result._pump(source, sink)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    result.address = PeerAddress("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield result
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
