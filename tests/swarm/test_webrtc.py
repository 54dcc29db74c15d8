"""WebRTC between sessions of libtorrent, which meet at our tracker's WebSocket."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.swarm.meeting import meeting, needs_a_network, own_addresses
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, peer

from p2ptube.swarm import Torrent

MIB = 1024 * 1024
ROOT = Path(__file__).parents[2]
pytestmark = needs_a_network


def fetch(viewer: Peer, film: Film, directory: Path, tracker: str) -> Torrent:
    """Fetch a film with nothing known but a tracker, and without TCP, as a browser does.

    Others tell it of peers that listen for TCP.
    """
    no_tcp: Any = {"enable_outgoing_tcp": False, "enable_incoming_tcp": False}
    viewer.session._session.apply_settings(no_tcp)
    return viewer.session.fetch(film.id, directory, info=film.hashed.info, trackers=[tracker])


async def test_a_film_comes_over_webrtc(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MIB)
    async with meeting(tmp_path) as tracker, peer() as holder, peer() as viewer:
        shared = holder.session.seed(film.hashed.info, film.path, [tracker.websocket])
        torrent = fetch(viewer, film, tmp_path / "B", tracker.websocket)
        await viewer.done(film.id)
        await torrent.flushed()
        assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data
        for mine in (torrent, shared):
            mine.update_peers()
            (other,) = [p for p in mine.peers() if p.downloaded or p.uploaded]
            assert other.transport == "webrtc"
            assert other.client.startswith("p2ptube/")
            assert other.address.rpartition(":")[0].strip("[]") in own_addresses()


async def test_many_behind_one_address_are_all_served(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with AsyncExitStack() as stack:
        tracker = await stack.enter_async_context(meeting(tmp_path))
        # Slow, so that everybody is there at the same time.
        holder = await stack.enter_async_context(peer(upload_limit=3_000_000))
        shared = holder.session.seed(film.hashed.info, film.path, [tracker.websocket])
        viewers = [await stack.enter_async_context(peer()) for _ in range(6)]
        for number, viewer in enumerate(viewers):
            directory = tmp_path / str(number)
            if number % 2:
                await viewer.fetch_from(film, directory, holder)
            else:
                fetch(viewer, film, directory, tracker.websocket)
        for viewer in viewers:
            await viewer.done(film.id)
        shared.update_peers()
        served = [p for p in shared.peers() if p.uploaded]
        assert {p.transport for p in served} == {"tcp", "webrtc"}


async def test_the_upload_limit_holds_for_all_transports_together(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    limit = 500_000
    async with (
        meeting(tmp_path) as tracker,
        peer(upload_limit=limit) as holder,
        peer() as near,
        peer() as far,
    ):
        begin = time.monotonic()
        shared = holder.session.seed(film.hashed.info, film.path, [tracker.websocket])
        await near.fetch_from(film, tmp_path / "near", holder)
        fetch(far, film, tmp_path / "far", tracker.websocket)
        await near.done(film.id)
        await far.done(film.id)
        shared.update_peers()
        served = [p for p in shared.peers() if p.uploaded]
        assert {p.transport for p in served} == {"tcp", "webrtc"}
        assert time.monotonic() - begin > 0.8 * sum(p.uploaded for p in served) / limit


async def test_trackers_are_added_and_taken_away_at_run_time(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 100_000)
    answers: asyncio.Queue[tuple[str, str, int, str]] = asyncio.Queue()
    async with meeting(tmp_path) as tracker, peer() as holder:
        holder.session.on_tracker = lambda *told: answers.put_nowait(told)
        torrent = holder.session.seed(film.hashed.info, film.path)
        holder.session.set_trackers(film.id, [tracker.http, tracker.http])
        async with asyncio.timeout(SECONDS):
            assert await answers.get() == (film.id, tracker.http, 0, "")
            holder.session.set_trackers(film.id, [tracker.http, tracker.websocket])
            assert await answers.get() == (film.id, tracker.websocket, 0, "")
            nobody = "http://127.0.0.1:1/announce"
            holder.session.set_trackers(film.id, [nobody])
            told = await answers.get()
        assert told[:3] == (film.id, nobody, 0)
        assert told[3]
        assert [each["url"] for each in torrent.handle.trackers()] == [nobody]
        holder.session.set_trackers("ab" * 20, [nobody])  # one that is not here
        assert (await tracker.stats())["announces_websocket"] >= 1


LEAVES = """
import asyncio, sys
from pathlib import Path
from tests.swarm.swarming import make_film, peer

async def main(directory, tracker):
    film = make_film(Path(directory) / "film.mp4", 100_000)
    async with peer() as holder:
        holder.session.seed(film.hashed.info, film.path, [tracker])
        print("there", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_tracker_that_does_not_answer_holds_nobody_up(tmp_path: Path) -> None:
    connected = asyncio.Event()
    server = await asyncio.start_server(lambda *_: connected.set(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    # In a process of its own: what it is about would stop this one, with its time-outs.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LEAVES, str(tmp_path), f"ws://127.0.0.1:{port}/announce"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            await connected.wait()
            assert (await process.communicate(b""))[0] == b"there\n"
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        server.close()


# --- staying unseen -----------------------------------------------------------------------------


class StunServer(asyncio.DatagramProtocol):
    """Notes who asks, and does not answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A binding request (RFC 8489) begins with 0x0001."""
        if data[:2] == b"\x00\x01":
            self.asked.set()


@pytest.mark.parametrize("way", ["set", "set later", "not set", "anonymous"])
async def test_a_stun_server_is_asked_only_where_one_is_set(tmp_path: Path, way: str) -> None:
    film = make_film(tmp_path / "film.mp4", 100_000)
    loop = asyncio.get_running_loop()
    transport, stun = await loop.create_datagram_endpoint(StunServer, ("127.0.0.1", 0))
    server = "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    given = server if way in {"set", "anonymous"} else ""
    announced = asyncio.Event()
    async with (
        meeting(tmp_path) as tracker,
        peer(stun_server=given, anonymous=way == "anonymous") as holder,
    ):
        if way in {"set later", "anonymous"}:
            holder.session.use_stun_server(server)
        holder.session.on_tracker = lambda *_: announced.set()
        trackers = [tracker.websocket, tracker.http]
        holder.session.seed(film.hashed.info, film.path, trackers)
        async with asyncio.timeout(SECONDS):
            if way in {"set", "set later"}:
                await stun.asked.wait()
            else:
                await announced.wait()
                stats = await tracker.stats()
                # Offers are made before the announce that carries them.
                while way == "not set" and not stats["announces_websocket"]:
                    await asyncio.sleep(0.05)
                    stats = await tracker.stats()
                assert bool(stats["announces_websocket"]) == (way == "not set")
                assert not stun.asked.is_set()
    transport.close()
