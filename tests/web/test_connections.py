"""The door of the public port: connections per address, and those that only wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from p2ptube.web.connections import (
    ANSWER_SECONDS,
    BODY_SECONDS,
    REQUEST_SECONDS,
    Door,
    guarded,
)
from p2ptube.web.listening import LOOPBACK, WebServer


class Hall:
    """A server behind a door; its app answers `/slow` when it is told to."""

    def __init__(self, per_address: int = 100) -> None:
        self.door = Door(lambda address: False, per_address=per_address)
        self.server = WebServer(LOOPBACK, 0, "--public-port")
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

        self.open: list[asyncio.StreamWriter] = []
        self.app = self._app()

    def _app(self) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/slow":
                self.asked.set()
                await self.answer.wait()
            headers = [(b"content-length", b"4")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"fine"})

        return app

    async def connect(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.server.port)
        self.open.append(writer)  # one that nobody holds is closed
        writer.write(request)
        await writer.drain()
        return reader, writer


@pytest.fixture
async def hall() -> AsyncIterator[Callable[..., Any]]:
    made: list[Hall] = []

    async def build(**options: int) -> Hall:
        hall = Hall(**options)
        made.append(hall)
        await hall.server.start(hall.app, protocol=guarded(H11Protocol, hall.door))
        return hall

    yield build
    for each in made:
        each.answer.set()
        for writer in each.open:
            writer.close()
        await each.server.stop()


GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"


async def admitted(hall: Hall, count: int) -> None:
    """Wait until the server has that many connections."""
    async with asyncio.timeout(20):
        while len(hall.door) != count:
            await asyncio.sleep(0.01)


async def read(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return await asyncio.wait_for(reader.read(1000), 20)
    return b""


async def test_an_address_has_so_many_connections(hall: Callable[..., Any]) -> None:
    made = await hall(per_address=2)
    first, closing = await made.connect(GET % b"")
    await made.connect(GET % b"")
    assert b"200 OK" in await read(first)
    await admitted(made, 2)
    refused, _ = await made.connect(GET % b"")
    assert b"429 Too Many Requests" in await read(refused)
    closing.close()
    await admitted(made, 1)
    welcome, _ = await made.connect(GET % b"")
    assert b"200 OK" in await read(welcome)


async def test_who_sends_no_request_is_cut(hall: Callable[..., Any]) -> None:
    made = await hall()
    silent, _ = await made.connect(b"")
    dripping, drip = await made.connect(b"GET / HT")
    asking, _ = await made.connect(GET % b"slow")
    await asyncio.wait_for(made.asked.wait(), 20)
    await admitted(made, 3)
    made.door.sweep(0)
    drip.write(b"TP/1.1\r\nx: ")
    await drip.drain()
    made.door.sweep(REQUEST_SECONDS - 1)
    assert len(made.door) == 3
    made.door.sweep(REQUEST_SECONDS)
    assert await read(silent) == b""
    assert await read(dripping) == b""
    await admitted(made, 1)
    made.door.sweep(10 * ANSWER_SECONDS)  # we owe the answer, not they
    made.answer.set()
    assert b"200 OK" in await read(asking)


async def test_who_sends_half_a_body_is_cut(hall: Callable[..., Any]) -> None:
    made = await hall()
    request = b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhal"
    posting, _ = await made.connect(request)
    await asyncio.wait_for(made.asked.wait(), 20)
    made.door.sweep(0)
    made.door.sweep(BODY_SECONDS - 1)
    assert len(made.door) == 1
    made.door.sweep(BODY_SECONDS)
    assert await read(posting) == b""
    await admitted(made, 0)


async def test_who_takes_no_answer_is_cut(hall: Callable[..., Any]) -> None:
    made = await hall()
    wrote = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):  # more than the buffers on the way take
            await send({"type": "http.response.body", "body": bytes(10**6), "more_body": True})
            wrote.set()

    server = WebServer(LOOPBACK, 0, "--public-port")
    await server.start(app, protocol=guarded(H11Protocol, made.door))
    _, writer = await asyncio.open_connection(LOOPBACK, server.port, limit=1)
    writer.write(GET % b"")
    await asyncio.wait_for(wrote.wait(), 20)
    guest = next(iter(made.door._guests))
    async with asyncio.timeout(20):
        while True:  # until nothing moves any more
            before = guest.transport.get_write_buffer_size()
            await asyncio.sleep(0.1)
            if before and before == guest.transport.get_write_buffer_size():
                break
    made.door.sweep(0)
    made.door.sweep(ANSWER_SECONDS - 1)
    assert len(made.door) == 1
    made.door.sweep(ANSWER_SECONDS)
    await admitted(made, 0)
    writer.close()
    await server.stop()
