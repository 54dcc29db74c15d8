"""What hostile, broken and numerous callers can do: cost us a closed socket, and no more."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.overlay.network import (
    TIMEOUT,
    MemoryContent,
    Network,
    network,
    raw_exchange,
    until,
)

from p2ptube.errors import PeerFault, PeerRefused, PeerUnreachable, ProtocolViolation
from p2ptube.models import PeerAddress
from p2ptube.overlay import wire
from p2ptube.overlay.peer import Peer

TYPES = (
    "NAME", "LIST", "JOIN", "QUER", "RESP", "FGET", "QUIT", "PING",
    "HELO", "FIND", "META", "BLOB", "REPL", "ERRO",
)  # fmt: skip


async def still_serves(peer: Peer) -> bool:
    answer = await raw_exchange(peer.address, wire.encode("NAME"))
    return answer == wire.encode("REPL", str(peer.address).encode())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5))
def test_garbage_is_answered_by_a_close(lines: list[bytes]) -> None:
    async def scenario() -> None:
        async with network() as net:
            peer = await net.peer(idle_timeout=0.2)
            for line in lines:
                await raw_exchange(peer.address, line, half_close=True)
            assert await still_serves(peer)

    asyncio.run(scenario())


async def test_garbage_payloads_of_every_type(caplog: pytest.LogCaptureFixture) -> None:
    async with network() as net:
        peer = await net.peer()
        for kind in [
            "NAME",
            "LIST",
            "JOIN",
            "QUER",
            "RESP",
            "FGET",
            "QUIT",
            "PING",
            "HELO",
            "FIND",
            "META",
            "BLOB",
            "REPL",
            "ERRO",
        ]:
            for payload in (b"", b"\xff\xfe", b"\0" * 100, b"x" * 65536, b"a b c", b"{}"):
                await raw_exchange(peer.address, wire.encode(kind, payload))
        assert await still_serves(peer)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("kind", [b"JOIN", b"REPL", b"XXXX"])
async def test_an_oversized_message_is_refused_by_its_header(kind: bytes) -> None:
    async with network() as net:
        peer = await net.peer()
        # Only the header is sent: that the close comes shows that no payload is waited for.
        assert await raw_exchange(peer.address, struct.pack("!4sL", kind, 65537)) == b""
        assert await still_serves(peer)


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with network() as net:
        peer = await net.peer(idle_timeout=0.05)
        assert await raw_exchange(peer.address, b"") == b""
        assert await raw_exchange(peer.address, wire.encode("NAME", b"x" * 50)[:20]) == b""


async def test_trickling_a_message_gains_no_time() -> None:
    async with network() as net:
        peer = await net.peer(idle_timeout=0.2)
        reader, writer = await asyncio.open_connection(peer.address.host, peer.address.port)
        closed = asyncio.create_task(reader.read())
        sent = 0
        async with asyncio.timeout(TIMEOUT):
            for byte in wire.encode("JOIN", bytes(60_000)):
                writer.write(bytes([byte]))
                sent += 1
                done, _ = await asyncio.wait((closed,), timeout=0.02)
                if done:
                    break
        writer.transport.abort()
        assert sent < 1000
        assert await still_serves(peer)


async def test_a_half_closed_caller_is_still_answered() -> None:
    async with network() as net:
        peer = await net.peer(MemoryContent(files={"x": bytes(1_000_000)}))
        answer = await raw_exchange(peer.address, wire.encode("FGET", b"x"), half_close=True)
        assert len(answer) == 1_000_000 + 10 * wire.HEADER_BYTES


async def test_a_caller_that_reads_nothing_is_dropped_and_memory_stays_bounded() -> None:
    async with network() as net:
        given_out = 0

        class Endless(MemoryContent):
            async def _chunks(self, name: str) -> AsyncIterator[bytes]:
                nonlocal given_out
                while True:
                    given_out += 65536
                    yield bytes(65536)

        content = Endless()
        peer = await net.peer(content, idle_timeout=0.2)
        reader, writer = await asyncio.open_connection(peer.address.host, peer.address.port)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(wire.encode("FGET", b"x"))
        await until(lambda: content.opened == 1, content.moved)
        await until(lambda: content.opened == 0, content.moved)
        writer.transport.abort()
        assert given_out < 32 * 1024 * 1024  # what the kernel's socket buffers take, mostly


async def test_a_half_closed_caller_is_not_waited_for_without_end() -> None:
    async with network() as net:
        content = MemoryContent(files={"x": b"1"}, wait=asyncio.Event())
        peer = await net.peer(content, idle_timeout=0.1)
        assert await raw_exchange(peer.address, wire.encode("FGET", b"x"), half_close=True) == b""


async def test_250_exchanges_at_a_time_are_served() -> None:
    async with network() as net:
        wait = asyncio.Event()
        content = MemoryContent(files={"x": b"content"}, wait=wait)
        peer = await net.peer(content)
        caller = await net.peer()

        async def fetch() -> bytes:
            async with aclosing(caller.fetch_file(peer.address, "x")) as chunks:
                return b"".join([chunk async for chunk in chunks])

        fetching = [asyncio.create_task(fetch()) for _ in range(250)]
        await until(lambda: content.opened == 250, content.moved)
        assert await still_serves(peer)
        wait.set()
        assert await asyncio.gather(*fetching) == [b"content"] * 250


async def test_connections_beyond_the_caps_are_closed_at_once() -> None:
    async with network() as net:
        content = MemoryContent(files={"x": b"content"}, wait=asyncio.Event())
        peer = await net.peer(content, max_connections_per_address=3)
        waiting = []
        for _ in range(3):
            _, writer = await asyncio.open_connection(peer.address.host, peer.address.port)
            writer.write(wire.encode("FGET", b"x"))
            waiting.append(writer)
        await until(lambda: content.opened == 3, content.moved)
        assert await raw_exchange(peer.address, wire.encode("NAME")) == b""
        for writer in waiting:
            writer.transport.abort()
        assert content.wait is not None
        content.wait.set()
        await until(lambda: content.opened == 0, content.moved)
        async with asyncio.timeout(TIMEOUT):
            while not await still_serves(peer):
                pass


async def test_what_comes_after_the_message_is_not_kept() -> None:
    async with network() as net:
        peer = await net.peer(MemoryContent(files={"x": b"1"}, wait=asyncio.Event()))
        flood = wire.encode("FGET", b"x") + bytes(2_000_000)
        assert await raw_exchange(peer.address, flood) == b""


async def answering(net: Network, answer: bytes, *, hold: bool = False) -> PeerAddress:
    """A server that answers anything with these bytes, and then closes (or does not)."""
    held = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        if hold:
            held.append(writer)
        else:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    net.server(server)
    return PeerAddress("127.0.0.1", server.sockets[0].getsockname()[1])


REPLY = wire.encode("REPL", b"one")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (REPLY + REPLY[:-1], PeerUnreachable),
        (REPLY + b"REPL", PeerUnreachable),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolViolation),
        (struct.pack("!4sL", b"REPL", 2**32 - 1), ProtocolViolation),
        (REPLY + wire.encode("ERRO", b"no\x1b[31m \xff"), PeerRefused),
    ],
)
async def test_broken_answers(answer: bytes, fault: type[PeerFault]) -> None:
    async with network() as net:
        peer = await net.peer()
        address = await answering(net, answer)
        with pytest.raises(fault) as caught:
            await peer.connect_and_send(address, "NAME")
        assert "\x1b" not in str(caught.value)


async def test_replies_of_unknown_types_are_ignored() -> None:
    async with network() as net:
        peer = await net.peer()
        address = await answering(net, wire.encode("NEWS", b"?") + REPLY)
        assert await peer.connect_and_send(address, "NAME") == [b"one"]


async def test_a_peer_that_never_answers_times_out() -> None:
    async with network() as net:
        peer = await net.peer(idle_timeout=0.05)
        address = await answering(net, b"", hold=True)
        with pytest.raises(PeerUnreachable, match="sent nothing"):
            await peer.connect_and_send(address, "NAME")


async def test_an_endless_answer_is_refused() -> None:
    async with network() as net:
        peer = await net.peer()
        address = await answering(net, REPLY * 1000)
        with pytest.raises(ProtocolViolation, match="without end"):
            await peer.connect_and_send(address, "NAME", max_bytes=100)


async def test_joining_something_that_is_no_peer() -> None:
    async with network() as net:
        peer = await net.peer()
        for answer in (b"", b"SSH-2.0-OpenSSH\r\n", wire.encode("REPL", b"not an id"), REPLY):
            with pytest.raises(PeerFault):
                await peer.add(await answering(net, answer))
        assert peer.peers() == []


async def test_stop_while_busy_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with network() as net:
        content = MemoryContent(files={"x": b"1"}, wait=asyncio.Event())
        a = await net.peer(content, stabilize_interval=0.01)
        b = await net.peer(stabilize_interval=0.01)
        await b.add(a.address)
        silent = await answering(net, b"", hold=True)
        b.restore([silent])

        async def fetch() -> None:
            async with aclosing(b.fetch_file(a.address, "x")) as chunks:
                async for _ in chunks:
                    pass

        async def find() -> int:
            async with aclosing(b.find("cat")) as answers:
                return len([x async for x in answers])

        busy = [asyncio.create_task(fetch()) for _ in range(20)]
        searching = asyncio.create_task(find())
        await until(lambda: content.opened == 20, content.moved)
        await asyncio.wait_for(b.stop(), TIMEOUT)
        results = await asyncio.gather(*busy, return_exceptions=True)
        assert all(isinstance(r, PeerUnreachable) for r in results)
        assert await searching == 0
        await asyncio.wait_for(a.stop(), TIMEOUT)
        assert a._listener.active == b._listener.active == 0
        assert a._dialler.active == b._dialler.active == 0
        with pytest.raises(PeerUnreachable):
            await b.hello(silent)
    await asyncio.sleep(0)
    mine = {t for t in asyncio.all_tasks() - before if "serve" not in repr(t)}
    assert not mine


async def test_an_answer_that_a_stop_cuts_short_does_not_look_whole() -> None:
    class Stuck(MemoryContent):
        async def _chunks(self, name: str) -> AsyncIterator[bytes]:
            yield b"the beginning"
            await asyncio.Event().wait()

    async with network() as net:
        a, b = await net.peer(Stuck()), await net.peer()
        async with aclosing(b.fetch_file(a.address, "x")) as chunks:
            assert await anext(chunks) == b"the beginning"
            await asyncio.wait_for(a.stop(), TIMEOUT)
            with pytest.raises(PeerUnreachable):
                await anext(chunks)


async def test_a_stopped_peer_serves_no_more() -> None:
    async with network() as net:
        a, b = await net.peer(), await net.peer()
        address = a.address
        await a.stop()
        await a.stop()
        with pytest.raises(PeerUnreachable):
            await b.hello(address)
