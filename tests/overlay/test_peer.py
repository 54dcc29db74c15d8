"""One peer: its messages, and what it is told of others."""

from __future__ import annotations

import asyncio

import pytest
from tests.overlay.network import dead_address, network, until

from p2ptube.errors import (
    Conflict,
    NotFound,
    PeerRefused,
    PeerUnreachable,
)
from p2ptube.models import PeerAddress
from p2ptube.overlay import transport
from p2ptube.overlay.connection import Connection
from p2ptube.overlay.membership import Kind
from p2ptube.overlay.peer import Peer


async def refusal(peer: Peer, address: PeerAddress, kind: str, payload: bytes) -> str:
    with pytest.raises(PeerRefused) as caught:
        await peer.connect_and_send(address, kind, payload)
    return str(caught.value)


async def test_classic_messages_are_answered_with_the_exact_texts() -> None:
    async with network() as net:
        peer = await net.peer(max_peers=2)
        a, b = peer.address, await net.peer()

        async def ask(kind: str, payload: bytes = b"") -> list[bytes]:
            return await b.connect_and_send(a, kind, payload)

        assert await ask("NAME") == [str(a).encode()]
        assert await ask("name") == [str(a).encode()]
        assert await ask("LIST") == [b"0"]
        assert await ask("JOIN", b"127.0.0.1:9 127.0.0.1 9") == [b"Join: peer added: 127.0.0.1:9"]
        again = await refusal(b, a, "JOIN", b"127.0.0.1:9 127.0.0.1 9")
        assert again == "Join: peer already inserted 127.0.0.1:9"
        itself = f"{a} {a.host} {a.port}".encode()
        assert await refusal(b, a, "JOIN", itself) == f"Join: peer already inserted {a}"
        await ask("JOIN", b"127.0.0.1:10 127.0.0.1 10")
        assert await refusal(b, a, "JOIN", b"h:1 h 1") == "Join: too many peers"
        for bad in (b"", b"h:1 h", b"h:1 h x", b"\xff \xff 1"):
            assert await refusal(b, a, "JOIN", bad) == "Join: incorrect arguments"
        assert await ask("LIST") == [b"2", b"127.0.0.1:9 127.0.0.1 9", b"127.0.0.1:10 127.0.0.1 10"]
        assert await ask("QUIT", b"127.0.0.1:9") == [b"Quit: peer removed: 127.0.0.1:9"]
        gone = await refusal(b, a, "QUIT", b"127.0.0.1:9")
        assert gone == "Quit: peer not found: 127.0.0.1:9"
        assert await ask("QUER", b"h:1 a%20key 2") == [b"Query ACK: a%20key"]
        for bad in (b"", b"h:1 key", b"h:1 key x", b"h key 1", b"\xff"):
            assert await refusal(b, a, "QUER", bad) == "Query: incorrect arguments"
        assert await refusal(b, a, "FGET", b"nothing") == "File not found"
        assert await refusal(b, a, "FGET", b"") == "File not found"
        assert await ask("PING") == []
        assert await ask("WHAT") == []


async def test_extensions_refuse_what_they_do_not_understand() -> None:
    async with network() as net:
        a, b = (await net.peer()).address, await net.peer()
        assert await refusal(b, a, "HELO", b"{}") == "Hello: incorrect arguments"
        assert await refusal(b, a, "FIND", b"[]") == "Find: incorrect arguments"
        assert await refusal(b, a, "META", b"") == "Metadata: incorrect arguments"
        assert await refusal(b, a, "BLOB", b'{"sha256":"x"}') == "Blob: incorrect arguments"


async def test_further_types_can_be_handled() -> None:
    async with network() as net:
        a, b = await net.peer(), await net.peer()

        async def echo(connection: Connection, payload: bytes) -> None:
            await connection.reply(payload.upper())

        a.handle("echo", echo)
        assert await b.connect_and_send(a.address, "ECHO", b"hello") == [b"HELLO"]


async def test_adding_makes_both_know_each_other_and_what_they_are() -> None:
    async with network() as net:
        changed = asyncio.Event()
        a = await net.peer(on_change=changed.set, name="Anna", swarm_port=7001)
        b = await net.peer(name="Bert", key=bytes([7]) * 32, public_url="http://b.example/")
        known = await b.add(a.address)
        assert (known.id, known.kind, known.name) == (str(a.address), Kind.P2PTUBE, "Anna")
        assert known.swarm_port == 7001
        assert known.latency is not None
        assert known.last_seen is not None
        await until(lambda: [p.kind for p in a.peers()] == [Kind.P2PTUBE], changed)
        (seen,) = a.peers()
        assert (seen.name, seen.key) == ("Bert", bytes([7]) * 32)
        assert seen.public_url == "http://b.example/"
        assert (await b.add(a.address)).id == known.id  # known already: no failure
        assert len(b.peers()) == 1


async def test_what_is_announced_later_is_told() -> None:
    async with network() as net:
        a, b = await net.peer(name="before"), await net.peer()
        a.announce(name="after", swarm_port=4321)
        hello = await b.hello(a.address)
        assert (hello.name, hello.swarm_port, hello.peer) == ("after", 4321, str(a.address))


async def test_adding_ourselves_or_nobody_fails() -> None:
    async with network() as net:
        a = await net.peer()
        with pytest.raises(Conflict):
            await a.add(a.address)
        with pytest.raises(Conflict):
            await a.add(PeerAddress("localhost", a.address.port))
        with pytest.raises(PeerUnreachable):
            await a.add(await dead_address())
        with pytest.raises(PeerUnreachable):
            await a.join(await dead_address())
        with pytest.raises(NotFound):
            await a.remove("x:1")
        assert a.peers() == []


async def test_a_full_peer_refuses_and_a_full_list_says_so() -> None:
    async with network() as net:
        a, b, c = await net.peer(max_peers=1), await net.peer(), await net.peer()
        await b.add(a.address)
        with pytest.raises(PeerRefused, match="too many peers"):
            await c.add(a.address)
        with pytest.raises(Conflict, match="full"):
            await a.add(c.address)


async def test_a_wildcard_bind_works_on_one_machine() -> None:
    async with network() as net:
        a = await net.peer(host="0.0.0.0")
        b = await net.peer(host="0.0.0.0")
        await b.add(PeerAddress("localhost", a.address.port))
        assert [p.id for p in b.peers()] == [str(a.address)]
        await b.add(PeerAddress("127.0.0.1", a.address.port))
        assert len(b.peers()) == 1
        with pytest.raises(Conflict):
            await b.add(PeerAddress("127.0.0.1", b.address.port))
        assert [p.id for p in await a.refresh()] == [str(b.address)]


async def test_a_taken_port_is_a_conflict() -> None:
    async with network() as net:
        a = await net.peer()
        with pytest.raises(Conflict, match="cannot listen"):
            await net.peer(port=a.address.port)
        with pytest.raises(Conflict, match="cannot listen"):
            await net.peer(host="no.such.host.invalid")


def test_the_advertised_host() -> None:
    assert transport.advertised_host("127.0.0.1") == "127.0.0.1"
    assert transport.advertised_host("localhost") == "127.0.0.1"
    assert transport.advertised_host("192.0.2.7") == "192.0.2.7"
    PeerAddress.parse(f"{transport.advertised_host('0.0.0.0')}:1")
