"""The overlay peer and a peer of the original kind, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest
from tests.interop.classic_client import ClassicPeer, connect_and_send
from tests.overlay.network import MemoryContent, Network, network, until

from p2ptube.errors import PeerRefused
from p2ptube.models import PeerAddress
from p2ptube.overlay.membership import Kind
from p2ptube.overlay.peer import Peer

# A classic peer blocks, so whatever it does as a caller runs in a thread.
blocking = asyncio.to_thread


class Town:
    """Peers of both kinds."""

    def __init__(self, net: Network, stack: AsyncExitStack, folder: Path) -> None:
        self._net = net
        self._stack = stack
        self._folder = folder

    async def classic(self, **files: bytes) -> ClassicPeer:
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        for name, content in files.items():
            (folder / f"{name}.mp4").write_bytes(content)
        peer = ClassicPeer(folder)
        self._stack.push_async_callback(blocking, peer.close)
        return peer

    async def modern(
        self, changed: asyncio.Event | None = None, **files: bytes
    ) -> tuple[Peer, MemoryContent]:
        content = MemoryContent(files={f"{name}.mp4": data for name, data in files.items()})
        return await self._net.peer(content, on_change=changed.set if changed else None), content


@pytest.fixture
async def town(tmp_path: Path) -> AsyncGenerator[Town, None]:
    async with _town(tmp_path) as made:
        yield made


@asynccontextmanager
async def _town(folder: Path) -> AsyncGenerator[Town, None]:
    async with AsyncExitStack() as stack, network() as net:
        yield Town(net, stack, folder)


def address_of(peer: ClassicPeer) -> PeerAddress:
    return PeerAddress(peer.host, peer.port)


async def test_a_classic_peer_joins_lists_and_quits(town: Town) -> None:
    changed = asyncio.Event()
    peer, _ = await town.modern(changed)
    other, _ = await town.modern()
    await other.add(peer.address)
    classic = await town.classic()
    await blocking(classic.build_peers, peer.address.host, peer.address.port, 3)
    assert set(classic.peers) == {str(peer.address), str(other.address)}
    await until(lambda: classic.id in {p.id for p in peer.peers()}, changed)
    listed = await blocking(classic.ask, str(peer.address), "LIST")
    assert listed[0] == ("REPL", b"2")
    assert ("REPL", f"{classic.id} {classic.host} {classic.port}".encode()) in listed
    # It takes HELO and closes without an answer: that is how we know it.
    await blocking(classic.wait_for_message, "HELO")
    await until(lambda: Kind.CLASSIC in {p.kind for p in peer.peers()}, changed)
    quit_answer = await blocking(classic.ask, str(peer.address), "QUIT", classic.id)
    assert quit_answer == [("REPL", f"Quit: peer removed: {classic.id}".encode())]
    assert classic.id not in {p.id for p in peer.peers()}


async def test_we_join_classic_peers_and_say_quit(town: Town) -> None:
    first, second = await town.classic(), await town.classic()
    await blocking(second.build_peers, first.host, first.port, 1)
    peer, _ = await town.modern()
    joined = await peer.join(address_of(first))
    assert {p.id for p in joined} == {first.id, second.id}
    assert {p.kind for p in peer.peers()} == {Kind.CLASSIC}
    assert str(peer.address) in first.peers
    assert str(peer.address) in second.peers
    await peer.remove(first.id)
    assert str(peer.address) not in first.peers
    our_id = str(peer.address)
    await peer.stop()
    assert our_id not in second.peers
    assert "QUIT" in dict(second.log)


async def test_the_probe_of_a_classic_peer_and_ours(town: Town) -> None:
    peer, _ = await town.modern()
    classic = await town.classic()
    await blocking(classic.build_peers, peer.address.host, peer.address.port, 1)
    await peer.join(address_of(classic))
    await blocking(classic.ping_all)
    assert str(peer.address) in classic.peers
    await peer._neighbours.stabilize()  # the first round; a classic peer is probed with PING
    await blocking(classic.wait_for_message, "PING")
    assert [p.id for p in peer.peers()] == [classic.id]
    await peer.stop()
    await blocking(classic.ping_all)
    assert classic.peers == {}


async def test_a_classic_peer_finds_and_fetches_our_file(town: Town) -> None:
    data = bytes(range(256)) * 5000
    peer, _ = await town.modern(bunny=data)
    classic = await town.classic()
    await blocking(classic.build_peers, peer.address.host, peer.address.port, 1)
    await blocking(classic.search, "unn", 0)
    assert await blocking(classic.wait_for, "bunny.mp4") == str(peer.address)
    assert await blocking(classic.fetch, str(peer.address), "bunny.mp4") == data
    with pytest.raises(FileNotFoundError, match="File not found"):
        await blocking(classic.fetch, str(peer.address), "other.mp4")


async def test_a_file_with_spaces_reaches_a_classic_peer_as_one_token(town: Town) -> None:
    peer, content = await town.modern()
    content.files["Big Buck: Bunny.mp4"] = b"film"
    classic = await town.classic()
    await blocking(classic.build_peers, peer.address.host, peer.address.port, 1)
    await blocking(classic.search, "Buck", 0)
    name = "Big%20Buck%3A%20Bunny.mp4"
    assert await blocking(classic.wait_for, name) == str(peer.address)
    assert await blocking(classic.fetch, str(peer.address), name) == b"film"


async def test_we_find_and_fetch_a_classic_peers_file(town: Town) -> None:
    classic = await town.classic(sintel=b"dragon" * 100_000)
    peer, content = await town.modern()
    await peer.join(address_of(classic))
    await peer.search_classic("sint", ttl=0)
    await until(lambda: bool(content.responses), content.arrived)
    (file,) = content.responses
    assert (file.file_name, str(file.holder)) == ("sintel.mp4", classic.id)
    async with aclosing(peer.fetch_file(file.holder, file.file_name)) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"dragon" * 100_000
    with pytest.raises(PeerRefused, match="File not found"):
        async with aclosing(peer.fetch_file(file.holder, "no.mp4")) as chunks:
            await anext(chunks)


async def test_a_name_that_we_would_encode_is_fetched_all_the_same(town: Town) -> None:
    classic = await town.classic(**{"100%": b"film"})
    peer, content = await town.modern()
    await peer.join(address_of(classic))
    await peer.search_classic("100")
    await until(lambda: bool(content.responses), content.arrived)
    (file,) = content.responses
    async with aclosing(peer.fetch_file(file.holder, file.file_name)) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"film"


async def test_we_relay_between_classic_peers_while_the_ttl_lasts(town: Town) -> None:
    near, far = await town.classic(), await town.classic(sintel=b"dragon")
    changed = asyncio.Event()
    relay, _ = await town.modern(changed)
    await relay.join(address_of(far), hops=1)
    await blocking(near.build_peers, relay.address.host, relay.address.port, 1)
    await until(lambda: len(relay.peers()) == 2, changed)
    await blocking(near.search, "sintel", 1)
    assert await blocking(near.wait_for, "sintel.mp4") == far.id
    # The TTL was counted down, and the searcher not asked its own question.
    assert await blocking(far.wait_for_message, "QUER") == f"{near.id} sintel 0"
    assert "QUER" not in dict(near.log)


async def test_with_no_ttl_left_nothing_is_relayed(town: Town) -> None:
    near, far = await town.classic(), await town.classic(sintel=b"dragon", sinister=b"")
    relay, content = await town.modern()
    await relay.join(address_of(far), hops=1)
    await blocking(near.build_peers, relay.address.host, relay.address.port, 1)
    await blocking(near.search, "sintel", 0)
    await blocking(near.search, "sinister", 1)
    await blocking(near.wait_for, "sinister.mp4")
    assert "sintel.mp4" not in near.found
    assert content.queries == ["sintel", "sinister"]


async def test_a_classic_relay_brings_our_search_to_others(town: Town) -> None:
    relay, far = await town.classic(), await town.classic(sintel=b"dragon")
    await blocking(relay.build_peers, far.host, far.port, 1)
    peer, content = await town.modern()
    await peer.join(address_of(relay), hops=1)
    await peer.search_classic("sintel", ttl=2)
    await until(lambda: bool(content.responses), content.arrived)
    assert str(content.responses[0].holder) == far.id


async def test_classic_peers_behind_a_p2ptube_peer_are_found_by_find(town: Town) -> None:
    far = await town.classic(sintel=b"dragon")
    changed = asyncio.Event()
    relay, _ = await town.modern(changed)
    await relay.join(address_of(far), hops=1)
    peer, content = await town.modern()
    await peer.join(relay.address, hops=1)
    await until(lambda: Kind.CLASSIC in {p.kind for p in relay.peers()}, changed)
    await peer.search_classic("sintel")  # no classic peer of our own: nobody is asked
    async with aclosing(peer.find("sintel")) as answers:
        assert [a async for a in answers] == []
    await until(lambda: bool(content.responses), content.arrived)
    assert str(content.responses[0].holder) == far.id
    assert [kind for kind, _ in far.log].count("QUER") == 1


async def test_a_classic_peer_closes_without_an_answer_on_our_extensions(town: Town) -> None:
    classic = await town.classic()
    peer, _ = await town.modern()
    with pytest.raises(PeerRefused, match="classic"):
        await peer.hello(address_of(classic))
    for kind in ("FIND", "META", "BLOB"):
        assert await peer.connect_and_send(address_of(classic), kind, b"{}") == []


async def test_we_close_without_an_answer_on_unknown_types(town: Town) -> None:
    peer, _ = await town.modern()
    host, port = peer.address.host, peer.address.port
    assert await blocking(connect_and_send, host, port, "WHAT", "ever") == []
    name = await blocking(connect_and_send, host, port, "name")
    assert name == [("REPL", str(peer.address).encode())]
