"""Peers that go through a proxy, or stay away from blocked addresses."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

import pytest
from tests.overlay.network import TIMEOUT, MemoryContent, found
from tests.swarm import proxies

from p2ptube.errors import PeerUnreachable
from p2ptube.models import PeerAddress
from p2ptube.network import Blocked, Proxy, ProxyKind
from p2ptube.overlay.dialling import connect
from p2ptube.overlay.peer import Peer
from p2ptube.overlay.settings import PeerSettings

KEY = bytes(range(32))


async def running(stack: AsyncExitStack, content: MemoryContent, settings: PeerSettings) -> Peer:
    peer = Peer(settings, content)
    await peer.start()
    stack.push_async_callback(peer.stop)
    return peer


@pytest.mark.parametrize("kind", list(ProxyKind))
async def test_a_peer_behind_a_proxy_searches_and_tells_nobody_where_it_is(kind: ProxyKind) -> None:
    make = proxies.socks5 if kind is ProxyKind.SOCKS5 else proxies.http
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(make("anna", "p@ss"))
        holder = await running(
            stack, MemoryContent(videos=[found("film", "192.0.2.1:5678")]), PeerSettings()
        )
        settings = PeerSettings(
            name="Anna",
            key=KEY,
            proxy=Proxy(kind, "127.0.0.1", proxy.port, "anna", "p@ss"),
        )
        peer = await running(stack, MemoryContent(), settings)
        known = await peer.add(holder.address)
        assert known.kind == "p2ptube"
        assert holder.peers() == []
        async with asyncio.timeout(TIMEOUT):
            assert len([each async for each in peer.find("film")]) == 1
            await peer.search_classic("film")
        assert peer.our_hello.name == ""
        assert peer.our_hello.key == bytes(32)
        assert set(proxy.targets) == {(holder.address.host, holder.address.port)}
        await peer.remove(known.id)


@pytest.mark.parametrize("kind", list(ProxyKind))
async def test_without_the_proxy_nobody_is_reached(kind: ProxyKind) -> None:
    make = proxies.socks5 if kind is ProxyKind.SOCKS5 else proxies.http
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(make("anna", "p@ss"))
        holder = await running(stack, MemoryContent(), PeerSettings())
        for port, password in ((proxy.port, "wrong"), (1, "p@ss")):
            way = Proxy(kind, "127.0.0.1", port, "anna", password)
            peer = await running(stack, MemoryContent(), PeerSettings(proxy=way))
            with pytest.raises(PeerUnreachable, match="through") as refused:
                await peer.add(holder.address)
            assert password not in str(refused.value)
        assert proxy.targets == []


async def test_a_blocked_peer_is_neither_dialled_nor_heard() -> None:
    async with AsyncExitStack() as stack:
        one = await running(
            stack, MemoryContent(videos=[found("film", "192.0.2.1:5678")]), PeerSettings()
        )
        other = await running(
            stack, MemoryContent(), PeerSettings(blocked=Blocked(["127.0.0.0/8", "::1"]))
        )
        with pytest.raises(PeerUnreachable, match="blocked"):
            await other.add(one.address)
        with pytest.raises(PeerUnreachable, match="blocked"):
            await other.add(type(one.address)("localhost", one.address.port))
        with pytest.raises(PeerUnreachable):
            await one.add(other.address)
        other.block(Blocked())
        await other.add(one.address)
        await one.add(other.address)


async def test_connections_to_a_blocked_peer_end() -> None:
    async with AsyncExitStack() as stack:
        one = await running(stack, MemoryContent(), PeerSettings())
        reader, writer = await asyncio.open_connection(one.address.host, one.address.port)
        stack.callback(writer.close)
        async with asyncio.timeout(TIMEOUT):
            while not one._listener.active:
                await asyncio.sleep(0)
            one.block(Blocked(["127.0.0.1"]))
            with pytest.raises(ConnectionError):
                if not await reader.read():
                    raise ConnectionResetError


async def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers for a name cannot lead past the block by another answer."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []
    async with AsyncExitStack() as stack:
        holder = await running(stack, MemoryContent(), PeerSettings())
        port = holder.address.port
        there = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        nobody = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))

        async def answer(host: str, *_: object, **__: object) -> list[object]:
            asked.append(host)
            return [nobody, there] if len(asked) == 1 else [there]

        monkeypatch.setattr(type(loop), "getaddrinfo", lambda self, *a, **k: answer(*a, **k))
        address = PeerAddress("holder.example", port)
        others = Blocked(["192.0.2.0/24"])
        _, writer = await connect(address, timeout=TIMEOUT, proxy=None, blocked=others)
        writer.close()
        assert asked == ["holder.example"]
        with pytest.raises(PeerUnreachable, match="blocked"):
            await connect(address, timeout=TIMEOUT, proxy=None, blocked=Blocked(["127.0.0.1"]))
        assert len(asked) == 2


async def test_nobody_behind_a_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = PeerAddress("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(PeerUnreachable, match="cannot connect"):
            await connect(address, timeout=TIMEOUT, proxy=None, blocked=Blocked(["192.0.2.0/24"]))
