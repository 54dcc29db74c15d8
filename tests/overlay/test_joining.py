"""A peer and its neighbours: joining, leaving, and the list of those who are there."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.overlay.network import dead_address, network, until

from p2ptube.errors import (
    NotFound,
    PeerUnreachable,
)
from p2ptube.overlay.membership import KnownPeer
from p2ptube.overlay.peer import Peer


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
