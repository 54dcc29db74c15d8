"""One peer and its neighbours: the messages, the list of peers, files and blobs."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from contextlib import aclosing

import pytest
from tests.overlay.network import TIMEOUT, MemoryContent, network, until

from p2ptube.errors import (
    BadSignature,
    Conflict,
    NotFound,
    PeerRefused,
    PeerUnreachable,
    StorageError,
)
from p2ptube.models import PeerAddress
from p2ptube.overlay import transport
from p2ptube.overlay.connection import Connection
from p2ptube.overlay.membership import Kind, KnownPeer
from p2ptube.overlay.peer import Peer


async def fetch(peer: Peer, address: PeerAddress, name: str) -> bytes:
    async with aclosing(peer.fetch_file(address, name)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def refusal(peer: Peer, address: PeerAddress, kind: str, payload: bytes) -> str:
    with pytest.raises(PeerRefused) as caught:
        await peer.connect_and_send(address, kind, payload)
    return str(caught.value)


async def dead_address() -> PeerAddress:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return PeerAddress("127.0.0.1", port)


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
        assert await b.send_to_peer(str(a.address), "ECHO", b"hi") == [b"HI"]
        with pytest.raises(NotFound):
            await b.send_to_peer("no peer id", "ECHO")
        b.router = lambda _: a.address
        assert await b.send_to_peer("no peer id", "ECHO", b"routed") == [b"ROUTED"]


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


async def chain(net_peers: list[Peer]) -> None:
    for near, far in itertools.pairwise(net_peers):
        await near.add(far.address)


async def test_joining_walks_depth_first_up_to_the_hops() -> None:
    async with network() as net:
        a, b, c, d = [await net.peer() for _ in range(4)]
        await chain([b, c, d])
        await a.join(b.address, hops=2)
        assert {p.id for p in a.peers()} == {str(b.address), str(c.address)}
        await a.join(b.address, hops=3)
        # c was known, so the way on to d was not followed through it.
        joined = await a.join(c.address, hops=2)
        assert str(d.address) in {p.id for p in a.peers()}
        assert str(c.address) in {p.id for p in joined}
        assert str(a.address) in {p.id for p in d.peers()}


async def test_a_dead_listed_peer_is_skipped() -> None:
    async with network() as net:
        a, b, c = [await net.peer() for _ in range(3)]
        dead = await dead_address()
        await a.connect_and_send(b.address, "JOIN", f"{dead} {dead.host} {dead.port}".encode())
        await b.add(c.address)
        joined = await a.join(b.address)
        assert {p.id for p in joined} == {str(b.address), str(c.address)}


async def test_a_full_peer_leads_on_to_others() -> None:
    async with network() as net:
        a, b, c = await net.peer(), await net.peer(max_peers=1), await net.peer()
        await b.add(c.address)
        assert [p.id for p in await a.join(b.address)] == [str(c.address)]


async def test_joining_stops_at_max_peers() -> None:
    async with network() as net:
        hub = await net.peer()
        for _ in range(3):
            await (await net.peer()).add(hub.address)
        a = await net.peer(max_peers=2)
        await a.join(hub.address)
        assert len(a.peers()) == 2


async def test_remove_and_stop_say_quit() -> None:
    async with network() as net:
        changed = asyncio.Event()
        a = await net.peer(on_change=changed.set)
        b, c = await net.peer(), await net.peer()
        await b.add(a.address)
        await c.add(a.address)
        await b.remove(str(a.address))
        await until(lambda: [p.id for p in a.peers()] == [str(c.address)], changed)
        assert b.peers() == []
        await c.stop()
        assert a.peers() == []


async def test_refresh_drops_the_dead_at_once() -> None:
    async with network() as net:
        a, b = await net.peer(), await net.peer()
        await a.add(b.address)
        a.restore([await dead_address()])
        assert len(a.peers()) == 2
        assert [p.id for p in await a.refresh()] == [str(b.address)]


async def test_the_stabilizer_drops_a_peer_that_died() -> None:
    async with network() as net:
        changed = asyncio.Event()
        a = await net.peer(on_change=changed.set, stabilize_interval=0.02)
        dead = await dead_address()
        alive = await net.peer()
        await a.add(alive.address)
        a.restore([dead])
        assert str(dead) in {p.id for p in a.peers()}
        await until(lambda: [p.id for p in a.peers()] == [str(alive.address)], changed)


async def test_a_dropped_peer_that_comes_back_is_known_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("p2ptube.overlay.membership.FIRST_RETRY", 0.01)
    async with network() as net:
        changed = asyncio.Event()
        a = await net.peer(on_change=changed.set, stabilize_interval=0.02)
        address = await dead_address()
        a.restore([address])
        await until(lambda: not a.peers(), changed)
        await net.peer(port=address.port, name="back")
        await until(lambda: [p.name for p in a.peers()] == ["back"], changed)


async def test_restored_peers_are_joined_at_the_start() -> None:
    async with network() as net:
        changed = asyncio.Event()
        b = await net.peer(on_change=changed.set)
        a = net.unstarted()
        a.restore([KnownPeer(id=str(b.address), address=b.address, name="old")])
        await a.start()
        await until(lambda: [p.id for p in b.peers()] == [str(a.address)], changed)
        assert [p.id for p in a.peers()] == [str(b.address)]


async def test_rebuild() -> None:
    async with network() as net:
        a, b, c, d = [await net.peer() for _ in range(4)]
        await a.add(b.address)
        await a.add(c.address)
        assert {p.id for p in await a.rebuild()} == {str(b.address), str(c.address)}
        assert [p.id for p in await a.rebuild(d.address, hops=1)] == [str(d.address)]
        with pytest.raises(PeerUnreachable):
            await a.rebuild(await dead_address())
        assert [p.id for p in a.peers()] == [str(d.address)]
        await a.remove(str(d.address))
        with pytest.raises(NotFound):
            await a.rebuild()


@pytest.mark.parametrize("size", [0, 1, 65536, 256 * 1024, 256 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("chunk", [1_000_000, 5000])
async def test_a_file_arrives_as_it_is(size: int, chunk: int) -> None:
    data = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    files = {"A film: 100%/x.mp4": data[:size]}
    async with network() as net:
        a, b = await net.peer(MemoryContent(files=files, chunk=chunk)), await net.peer()
        assert await fetch(b, a.address, "A film: 100%/x.mp4") == data[:size]


async def test_a_name_can_be_asked_for_as_it_is() -> None:
    async with network() as net:
        content = MemoryContent(files={"my film.mp4": b"1", "50%25.mp4": b"2"})
        a, b = await net.peer(content), await net.peer()
        assert await b.connect_and_send(a.address, "FGET", b"my film.mp4") == [b"1"]
        assert await b.connect_and_send(a.address, "FGET", b"50%25.mp4") == [b"2"]
        assert await b.connect_and_send(a.address, "FGET", b"50%2525.mp4") == [b"2"]


async def test_errors_of_files() -> None:
    async with network() as net:
        content = MemoryContent(files={"x": bytes(1_000_000)}, error=StorageError("disk"))
        a, b = await net.peer(content), await net.peer()
        with pytest.raises(PeerRefused, match=r"^Error reading file$"):
            await fetch(b, a.address, "x")
        content.error_after = 3
        with pytest.raises(PeerUnreachable):
            await fetch(b, a.address, "x")
        content.error = None
        with pytest.raises(PeerRefused, match=r"^File not found$"):
            await fetch(b, a.address, "y")


async def test_a_file_that_waits_for_its_pieces_is_sent_when_they_come() -> None:
    async with network() as net:
        wait = asyncio.Event()
        a = await net.peer(MemoryContent(files={"x": b"late"}, wait=wait), idle_timeout=0.05)
        b = await net.peer()
        fetching = asyncio.create_task(fetch(b, a.address, "x"))
        done, _ = await asyncio.wait((fetching,), timeout=0.3)  # well beyond the server's idle time
        assert not done
        wait.set()
        assert await asyncio.wait_for(fetching, TIMEOUT) == b"late"


async def test_metadata_and_blobs_are_verified() -> None:
    info = b"d4:name1:xe" * 60_000  # more than one frame
    info_hash = hashlib.sha1(info).hexdigest()
    sha256 = hashlib.sha256(info).hexdigest()
    async with network() as net:
        content = MemoryContent(metadata_of={info_hash: info}, blobs={sha256: info})
        a, b = await net.peer(content), await net.peer()
        assert await b.fetch_metadata(a.address, info_hash) == info
        assert await b.fetch_blob(a.address, sha256) == info
        with pytest.raises(PeerRefused, match="Metadata not found"):
            await b.fetch_metadata(a.address, "0" * 40)
        with pytest.raises(PeerRefused, match="Blob not found"):
            await b.fetch_blob(a.address, "0" * 64)
        content.metadata_of["1" * 40] = content.blobs["1" * 64] = b"other"
        with pytest.raises(BadSignature):
            await b.fetch_metadata(a.address, "1" * 40)
        with pytest.raises(BadSignature):
            await b.fetch_blob(a.address, "1" * 64)
