"""Proxies over real sockets, SOCKS5 (RFC 1928, 1929) and HTTP: they note who asked for what."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter


class Refused(Exception):
    """The client does not get through."""


class Notes:
    """What a proxy saw."""

    def __init__(self, user: str, password: str) -> None:
        self.port = 0
        self.user, self.password = user, password
        self.targets: list[tuple[str, int]] = []
        self.refusals = 0
        self.datagrams = 0  # associations for UDP that were asked for
        self.ports: set[int] = set()  # from which it connected
        self.changed = asyncio.Event()


async def _socks5(reader: Reader, writer: Writer, notes: Notes) -> tuple[str, int]:
    _, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    method = 2 if notes.user else 0
    if method not in methods:
        writer.write(b"\x05\xff")
        raise Refused
    writer.write(bytes([5, method]))
    if method:
        _, size = await reader.readexactly(2)
        user = (await reader.readexactly(size)).decode()
        (size,) = await reader.readexactly(1)
        right = (user, (await reader.readexactly(size)).decode()) == (notes.user, notes.password)
        writer.write(bytes([1, not right]))
        if not right:
            raise Refused
    _, command, _, kind = await reader.readexactly(4)
    if kind == 3:
        (size,) = await reader.readexactly(1)
        host = (await reader.readexactly(size)).decode()
    else:
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    if command != 1:
        notes.datagrams += 1
        writer.write(b"\x05\x07\x00\x01" + bytes(6))  # command not supported
        raise Refused
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    return host, port


async def _http(reader: Reader, writer: Writer, notes: Notes) -> tuple[str, int]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    verb, target, _ = head[0].split(" ")
    secret = base64.b64encode(f"{notes.user}:{notes.password}".encode()).decode()
    lower = [line.lower() for line in head]
    if notes.user and f"proxy-authorization: basic {secret}".lower() not in lower:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        raise Refused
    if verb == "CONNECT":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    else:  # a request for a page, passed on
        url = urlsplit(target)
        rest = [line for line in head[1:] if not line.lower().startswith("proxy-")]
        page = "\r\n".join([f"{verb} {url.path}?{url.query} HTTP/1.1", *rest])
        reader.feed_data(page.encode())
        target = url.netloc
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port)


@contextlib.asynccontextmanager
async def _proxy(
    greet: Callable[[Reader, Writer, Notes], Coroutine[None, None, tuple[str, int]]],
    notes: Notes,
) -> AsyncIterator[Notes]:
    writers: set[Writer] = set()

    async def serve(reader: Reader, writer: Writer) -> None:
        writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                host, port = await greet(reader, writer, notes)
                there, out = await asyncio.open_connection(host, port)
            except Refused:
                notes.refusals += 1
                notes.changed.set()
                await writer.drain()
                writer.close()
                return
            writers.add(out)
            notes.ports.add(out.get_extra_info("sockname")[1])
            notes.targets.append((host, port))
            notes.changed.set()
            await asyncio.gather(_pump(reader, out), _pump(there, writer))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    notes.port = server.sockets[0].getsockname()[1]
    try:
        yield notes
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def _pump(source: Reader, sink: Writer) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


def socks5(user: str = "", password: str = "") -> contextlib.AbstractAsyncContextManager[Notes]:
    """A SOCKS5 proxy that carries TCP only."""
    return _proxy(_socks5, Notes(user, password))


def http(user: str = "", password: str = "") -> contextlib.AbstractAsyncContextManager[Notes]:
    """An HTTP proxy."""
    return _proxy(_http, Notes(user, password))


@contextlib.contextmanager
def udp_trap() -> Iterator[socket.socket]:
    """A UDP port at which nothing should arrive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap:
        trap.bind(("127.0.0.1", 0))
        trap.setblocking(False)
        yield trap
