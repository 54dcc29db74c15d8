"""With a proxy, everything of the swarm goes through it, and nothing around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.swarm import proxies
from tests.swarm.meeting import meeting
from tests.swarm.swarming import SECONDS, Peer, make_film, peer, read_all

from p2ptube.network import Proxy, ProxyKind
from p2ptube.swarm import PeerSnapshot, Torrent

MIB = 1024 * 1024
USER, PASSWORD = "anna", "p@ss:wörd/"


class HttpTracker:
    """Notes from which ports it was asked, and what."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.port = 0
        self.changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer an announce."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append((writer.get_extra_info("peername")[1], head))
        body = b"d8:intervali60e5:peers0:e"
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        self.changed.set()


@pytest.fixture
async def tracker() -> AsyncIterator[HttpTracker]:
    result = HttpTracker()
    server = await asyncio.start_server(result.serve, "127.0.0.1", 0)
    result.port = server.sockets[0].getsockname()[1]
    yield result
    server.close()


async def uploaded_to(holder: Peer, shared: Torrent) -> PeerSnapshot:
    """The one peer that got something."""
    await holder.until(lambda: any(p.uploaded for p in shared.peers()))
    (seen,) = [p for p in shared.peers() if p.uploaded]
    return seen


@pytest.mark.parametrize("kind", list(ProxyKind))
@pytest.mark.parametrize("secret", [("", ""), (USER, PASSWORD)], ids=["open", "secret"])
async def test_all_goes_through_the_proxy(
    tmp_path: Path, tracker: HttpTracker, kind: ProxyKind, secret: tuple[str, str]
) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    make = proxies.socks5 if kind is ProxyKind.SOCKS5 else proxies.http
    async with make(*secret) as proxy, meeting(tmp_path) as ours, peer() as holder:
        with proxies.udp_trap() as trap:
            trackers = [
                f"http://127.0.0.1:{tracker.port}/announce",
                f"udp://127.0.0.1:{trap.getsockname()[1]}/announce",
                ours.websocket,
            ]
            through = Proxy(kind, "127.0.0.1", proxy.port, *secret)
            async with peer(proxy=through, dht=True, lan=True, stun_server="127.0.0.1:9") as viewer:
                assert viewer.address.port == 0  # nobody gets in around it
                shared = holder.session.seed(film.hashed.info, film.path)
                torrent = viewer.session.fetch(
                    film.id, tmp_path / "B", info=film.hashed.info, trackers=trackers
                )
                await viewer.dial(film.id, holder)
                await viewer.done(film.id)
                assert await read_all(torrent, 0, MIB) == film.data
                async with asyncio.timeout(SECONDS):
                    await tracker.changed.wait()
                seen = await uploaded_to(holder, shared)
                assert int(seen.address.rpartition(":")[2]) in proxy.ports
                assert "p2ptube" not in seen.client
            assert ("127.0.0.1", holder.address.port) in proxy.targets
            for port, head in tracker.asked:
                assert port in proxy.ports
                assert "p2ptube" not in head
                assert "&ip=" not in head
            assert (await ours.stats())["announces_websocket"] == 0
            with pytest.raises(BlockingIOError):
                trap.recv(2000)


@pytest.mark.parametrize("kind", list(ProxyKind))
@pytest.mark.parametrize("what", ["refuses", "is dead"])
async def test_without_the_proxy_nothing_goes(
    tmp_path: Path, tracker: HttpTracker, kind: ProxyKind, what: str
) -> None:
    film = make_film(tmp_path / "film.mp4", 100_000)
    make = proxies.socks5 if kind is ProxyKind.SOCKS5 else proxies.http
    async with make(USER, PASSWORD) as proxy, peer() as holder:
        port = proxy.port if what == "refuses" else 1
        through = Proxy(kind, "127.0.0.1", port, USER, "wrong")
        failed = asyncio.Event()
        async with peer(proxy=through) as viewer:
            shared = holder.session.seed(film.hashed.info, film.path)
            viewer.session.on_tracker = lambda *told: failed.set() if told[3] else None
            torrent = viewer.session.fetch(
                film.id,
                tmp_path / "B",
                info=film.hashed.info,
                trackers=[f"http://127.0.0.1:{tracker.port}/announce"],
            )
            await viewer.dial(film.id, holder)
            async with asyncio.timeout(SECONDS):
                await failed.wait()
                while what == "refuses" and proxy.refusals < 2:
                    proxy.changed.clear()
                    await proxy.changed.wait()
            assert (torrent.progress, shared.peers(), tracker.asked) == (0.0, [], [])


async def test_anonymous_mode_names_nobody(tmp_path: Path, tracker: HttpTracker) -> None:
    film = make_film(tmp_path / "film.mp4", 100_000)
    async with peer() as holder, peer(anonymous=True, dht=True, lan=True) as viewer:
        shared = holder.session.seed(film.hashed.info, film.path)
        viewer.session.fetch(
            film.id,
            tmp_path / "B",
            info=film.hashed.info,
            trackers=[f"http://127.0.0.1:{tracker.port}/announce"],
        )
        await viewer.dial(film.id, holder)
        await viewer.done(film.id)
        async with asyncio.timeout(SECONDS):
            await tracker.changed.wait()
        seen = await uploaded_to(holder, shared)
        assert "p2ptube" not in seen.client
        assert "p2ptube" not in tracker.asked[0][1]
