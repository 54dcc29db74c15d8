"""Signalling over real WebSockets."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.web.certificates import make_pair
from tests.web.tracking import HASH, SECONDS, Port, hear, message, say, tracker_port
from websockets.exceptions import ConnectionClosed

from p2ptube.tracker.websocket import MAX_MESSAGE
from p2ptube.web import tracker_server, tracker_socket
from p2ptube.web.tls import Certificate

OFFER = {"offer": {"type": "offer", "sdp": "v=0"}, "offer_id": "o" * 20}
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: t\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: %b\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def introduce(port: Port) -> None:
    """An offer there, and its answer back."""
    async with port.socket() as one, port.socket() as two:
        assert (await say(one, message("1")))["incomplete"] == 1
        await say(two, message("2", offers=[OFFER]))
        offer = await hear(one)
        assert (offer["offer"], offer["peer_id"]) == (OFFER["offer"], "2" * 20)
        answer = {"type": "answer", "sdp": "v=1"}
        await one.send(message("1", to_peer_id="2" * 20, offer_id="o" * 20, answer=answer))
        assert (await hear(two))["answer"] == answer


async def test_offer_and_answer(port: Port) -> None:
    await introduce(port)


async def test_over_tls(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    trust = ssl.create_default_context(cafile=pair.cert)
    async with tracker_port(tls=Certificate(pair.cert, pair.key).context, trust=trust) as port:
        await introduce(port)


async def test_a_closed_socket_takes_its_peers_along(port: Port) -> None:
    async with port.socket() as stays:
        await say(stays, message("1"))
        async with port.socket() as leaves:
            await say(leaves, message("2"))
            await say(leaves, message("3"))
            assert port.peers == 3
        await port.until_peers(1)
        async with port.socket() as dies:
            await say(dies, message("4"))
            dies.transport.abort()
            await port.until_peers(1)
    await port.until_peers(0)
    assert port.server.load().websockets == 0


async def test_binary_fragments_and_pings(port: Port) -> None:
    async with port.socket() as end:
        text = message("1")
        await end.send([text[:10], text[10:50], text[50:]])
        assert (await hear(end))["incomplete"] == 1
        assert (await say(end, text.encode().decode()))["incomplete"] == 1
        await end.send(text.encode())
        assert (await hear(end))["incomplete"] == 1
        await asyncio.wait_for(await end.ping(b"ping"), SECONDS)


async def test_refusals_keep_the_connection(port: Port) -> None:
    async with port.socket() as end:
        for bad in ("nonsense", message("1", info_hash="short"), "[" * 10_000):
            assert "failure reason" in await say(end, bad)
        assert (await say(end, message("1")))["incomplete"] == 1


@pytest.mark.parametrize(
    ("data", "code"), [("x" * (MAX_MESSAGE + 1), 1009), (b"\xff\xfe binary", 1007)]
)
async def test_what_ends_the_connection(port: Port, data: Any, code: int) -> None:
    async with port.socket() as end:
        await say(end, message("1"))
        await end.send(data)
        with pytest.raises(ConnectionClosed) as caught:
            await hear(end)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code
    await port.until_peers(0)


@pytest.mark.parametrize(
    ("target", "version", "status"),
    [(b"/announce", b"8", b"426"), (b"/announcer", b"13", b"404"), (b"/announce", b"", b"426")],
)
async def test_handshakes_that_are_none(
    port: Port, target: bytes, version: bytes, status: bytes
) -> None:
    answer = await port.ask(HANDSHAKE % (target, version))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert port.server.load().connections == port.server.load().websockets == 0


async def test_there_is_no_websocket_elsewhere(port: Port) -> None:
    reader, writer = await port.open()
    writer.write(HANDSHAKE % (b"/stats", b"13"))
    answer = await asyncio.wait_for(reader.readline(), SECONDS)
    writer.close()
    assert not answer.startswith(b"HTTP/1.1 101")


async def test_a_message_in_the_packet_of_the_handshake(port: Port) -> None:
    text = message("1").encode()
    frame = bytes((0x81, 0xFE)) + len(text).to_bytes(2) + bytes(4) + text
    reader, writer = await port.open()
    writer.write(HANDSHAKE % (b"/announce?key=1", b"13") + frame)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
    head = await asyncio.wait_for(reader.readexactly(2), SECONDS)
    answer = json.loads(await asyncio.wait_for(reader.readexactly(head[1]), SECONDS))
    assert answer["info_hash"] == HASH.decode()
    writer.close()


async def test_who_does_not_read_is_cut_off(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker_socket, "MAX_UNSENT", 10_000)
    scrape = message("1", action="scrape", info_hash=[f"{n:020}" for n in range(74)])
    text = scrape.encode()
    frame = bytes((0x81, 0xFE)) + len(text).to_bytes(2) + bytes(4) + text
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port.port))
    await loop.sock_sendall(sock, HANDSHAKE % (b"/announce", b"13"))
    with pytest.raises(OSError):
        async with asyncio.timeout(SECONDS):
            while True:
                await loop.sock_sendall(sock, frame)
    sock.close()
    async with asyncio.timeout(SECONDS):
        while port.server.sockets:
            await asyncio.sleep(0.01)


async def test_the_silent_are_pinged_then_cut_off(port: Port) -> None:
    reader, writer = await port.open()
    writer.write(HANDSHAKE % (b"/announce", b"13"))
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
    for _ in range(tracker_server.SOCKET_SWEEPS):
        port.server.sweep()
    assert await asyncio.wait_for(reader.readexactly(2), SECONDS) == b"\x89\x00"
    writer.write(b"\x8a\x80\0\0\0\0")  # a pong counts as life
    (end,) = port.server.sockets
    async with asyncio.timeout(SECONDS):
        while end.heard != port.server.sweeps:
            await asyncio.sleep(0.01)
    for _ in range(tracker_socket.DEAD_SWEEPS):
        port.server.sweep()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readexactly(100), SECONDS)
    writer.close()


async def test_stopping_says_goodbye() -> None:
    async with tracker_port() as port:
        end = await port.socket()
        await say(end, message("1"))
    with pytest.raises(ConnectionClosed) as caught:
        await hear(end)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    await end.close()
