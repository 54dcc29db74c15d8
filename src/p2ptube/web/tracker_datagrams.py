"""The tracker over UDP (BEP 15)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from ..tracker.addresses import plain
from ..tracker.tracker import Tracker
from ..tracker.udp import MAX_PACKET

AT_ONCE = 64  # packets, before other connections get their turn


class Datagrams:
    """Answers packets at a socket."""

    def __init__(
        self, tracker: Tracker, clock: Callable[[], float], blocks: Callable[[str], bool]
    ) -> None:
        """`blocks` says of an address whether it gets no answer."""
        self._tracker = tracker
        self._clock = clock
        self._blocks = blocks
        self._socket: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, sock: socket.socket) -> None:
        """Begin to answer."""
        self._socket = sock
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(sock, self._read, sock)
        except NotImplementedError:  # Windows; elsewhere it is twice as fast as a transport
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Endpoint(self), sock=sock
            )

    def stop(self) -> None:
        """Stop answering; the socket is closed."""
        if self._transport is not None:
            self._transport.close()
        elif self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def answer(self, packet: bytes, address: tuple[Any, ...]) -> bytes | None:
        """The answer to a packet from `address`, if there is one."""
        if address[1] == 0:
            return None  # nobody can be answered there
        host = str(address[0]).partition("%")[0]
        if self._blocks(host):
            return None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        source = plain(socket.inet_pton(family, host))
        return self._tracker.datagram(packet, source, self._clock())

    def _read(self, sock: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                packet, address = sock.recvfrom(MAX_PACKET + 1)
            except OSError:  # no more for now, or told of a port that nobody listens at
                return
            answer = self.answer(packet, address)
            if answer is not None:
                # What does not fit into the system's buffer is lost, as packets may be.
                with contextlib.suppress(OSError):
                    sock.sendto(answer, address)


class _Endpoint(asyncio.DatagramProtocol):
    def __init__(self, datagrams: Datagrams) -> None:
        self._datagrams = datagrams
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        answer = self._datagrams.answer(data, addr)
        if answer is not None:
            self._transport.sendto(answer, addr)
