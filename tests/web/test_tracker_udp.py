"""Announces over UDP, at real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from tests.web.tracking import HASH, SECONDS, tracker_port

from p2ptube.tracker.tracker import Tracker
from p2ptube.web.tracker_datagrams import Datagrams, _Endpoint

CONNECT = struct.pack("!QLL", 0x41727101980, 0, 7)


def announce(connection_id: bytes, number: int) -> bytes:
    numbers = struct.pack("!QQQLLLlH", 0, 1, 0, 2, 0, 0, -1, number)
    return connection_id + struct.pack("!LL", 1, 8) + HASH + bytes([number]) * 20 + numbers


class Client:
    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.connect((host, port))

    async def ask(self, packet: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.sock, packet)
        return await asyncio.wait_for(loop.sock_recv(self.sock, 2000), SECONDS)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connect_and_announce(host: str) -> None:
    async with tracker_port(host="::") as port:
        one, two = Client(host, port.port), Client(host, port.port)
        for number, client in enumerate((one, two), 1):
            connection_id = (await client.ask(CONNECT))[8:]
            answer = await client.ask(announce(connection_id, number))
        packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        assert answer == struct.pack("!LLLLL", 1, 8, 900, 2, 0) + packed + b"\0\x01"
        assert port.peers == 2
        # What deserves no answer gets none, and what comes after it is answered.
        one.sock.send(b"short")
        one.sock.send(b"\0" * 16)
        assert len(await one.ask(CONNECT)) == 16
        one.sock.close()
        two.sock.close()


async def test_where_a_loop_cannot_watch_sockets() -> None:
    import random

    tracker = Tracker(random.Random(1), b"k" * 32)
    datagrams = Datagrams(tracker, lambda: 0.0, lambda host: False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Endpoint(datagrams), local_addr=("127.0.0.1", 0)
    )
    client = Client("127.0.0.1", transport.get_extra_info("sockname")[1])
    assert len(await client.ask(CONNECT)) == 16
    client.sock.close()
    transport.close()
