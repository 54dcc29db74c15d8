"""Who is kept away: blocked addresses, and connections beyond the share of an address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.swarm.meeting import meeting, needs_a_network, own_addresses
from tests.swarm.swarming import SECONDS, Peer, make_film, peer

from p2ptube.network import Blocked
from p2ptube.swarm.shares import Endpoint, Shares

MIB = 1024 * 1024


async def until_alone(mine: Peer, film: str) -> None:
    """Wait until a session has no connection for a torrent."""
    torrent = mine.session.get(film)
    assert torrent is not None
    async with asyncio.timeout(SECONDS):
        while torrent.handle.get_peer_info():
            await asyncio.sleep(0.02)


# --- blocked addresses --------------------------------------------------------------------------


async def test_a_blocked_address_is_neither_dialled_nor_let_in(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    blocked = Blocked(["127.0.0.0/8"])
    another = make_film(tmp_path / "another.mp4", MIB)
    async with peer(blocked=blocked) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        viewer.session.seed(another.hashed.info, another.path)
        ours = await holder.fetch_from(another, tmp_path / "A", viewer)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        reader, writer = await asyncio.open_connection("127.0.0.1", holder.address.port)
        async with asyncio.timeout(SECONDS):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        await viewer.until(lambda: torrent.status is not None)
        assert (torrent.progress, torrent.connected, ours.connected) == (0.0, 0, 0)

        holder.session.guard.block(Blocked())
        await viewer.dial(film.id, holder)
        await viewer.done(film.id)


async def test_who_is_connected_is_dropped_at_once(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=300_000) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.until(lambda: torrent.progress > 0)
        holder.session.guard.block(Blocked(["127.0.0.1"]))
        await until_alone(holder, film.id)
        assert torrent.progress < 1


@needs_a_network
@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_blocked_address_is_dropped_over_webrtc(tmp_path: Path, when: str) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    blocked = Blocked(own_addresses())
    given_first = blocked if when == "before" else Blocked()
    ended = asyncio.Event()
    async with (
        meeting(tmp_path) as tracker,
        peer(300_000, blocked=given_first) as holder,
        peer() as viewer,
    ):
        shared = holder.session.seed(film.hashed.info, film.path, [tracker.websocket])
        on_disconnect = shared.on_disconnect

        def note() -> None:
            on_disconnect()
            ended.set()

        shared.on_disconnect = note  # type: ignore[method-assign]
        torrent = viewer.session.fetch(
            film.id, tmp_path / "B", info=film.hashed.info, trackers=[tracker.websocket]
        )
        if when == "meanwhile":
            await viewer.until(lambda: torrent.progress > 0)
            holder.session.guard.block(blocked)
        async with asyncio.timeout(SECONDS):
            await ended.wait()
        await until_alone(holder, film.id)
        assert torrent.progress < 0.5


# --- shares -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def strangers(port: int, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Connections to a session that say nothing."""
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.close()


async def test_a_stranger_with_200_connections_gets_no_more_than_his_share(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with peer(upload_limit=1_000_000, connections_per_address=8) as holder, peer() as viewer:
        shared = holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.until(lambda: torrent.progress > 0)
        async with strangers(holder.address.port, 200) as readers:
            waiting = {asyncio.create_task(reader.read()) for reader in readers}
            async with asyncio.timeout(SECONDS):
                while len(waiting) > 7:  # and the viewer, who was there before
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert torrent.connected == shared.connected == 1
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await viewer.done(film.id)


def handshake(info_hash: str) -> bytes:
    """How a peer begins (BEP 3)."""
    stranger = b"-XX0001-abcdefghijkl"
    return b"\x13BitTorrent protocol" + bytes(8) + bytes.fromhex(info_hash) + stranger


async def call(port: int, says: bytes) -> None:
    """Connect to a session, say so, and wait until it hangs up; at once where nothing is said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(says)
    async with asyncio.timeout(SECONDS):
        with contextlib.suppress(ConnectionError):
            while says and await reader.read(4096):
                pass
    writer.close()


@pytest.mark.parametrize("says", ["nothing", "nonsense", "another torrent", "a long message"])
async def test_whose_connections_are_over_has_his_whole_share_again(
    tmp_path: Path, says: str
) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    said = {
        "nothing": b"",
        "nonsense": bytes(2000),
        "another torrent": handshake("00" * 20),
        "a long message": handshake(film.id) + b"\0\xff\xff\xff\x14",
    }[says]
    async with peer(connections_per_address=2) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        for _ in range(3):
            await call(holder.address.port, said)
        async with asyncio.timeout(SECONDS):
            while list(holder.session.guard._shares):
                await asyncio.sleep(0.01)
        await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.done(film.id)


@needs_a_network
async def test_webrtc_connections_count_as_well(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 4 * MIB)
    async with AsyncExitStack() as stack:
        tracker = await stack.enter_async_context(meeting(tmp_path))
        holder = await stack.enter_async_context(peer(200_000, connections_per_address=1))
        shared = holder.session.seed(film.hashed.info, film.path, [tracker.websocket])
        viewers = [await stack.enter_async_context(peer()) for _ in range(3)]
        for number, viewer in enumerate(viewers):
            viewer.session.fetch(
                film.id,
                tmp_path / str(number),
                info=film.hashed.info,
                trackers=[tracker.websocket],
            )
        # They get it from each other, too; but at the holder, one at a time.
        await holder.until(lambda: len(shared.handle.get_peer_info()) > 1)
        await holder.until(lambda: len(shared.handle.get_peer_info()) == 1)


async def test_eighteen_viewers_behind_one_address(tmp_path: Path) -> None:
    """Sessions of one address that all dial each other: what libtorrent could crash of."""
    film = make_film(tmp_path / "film.mp4", MIB)
    async with AsyncExitStack() as stack:
        holder = await stack.enter_async_context(peer(upload_limit=4_000_000))
        holder.session.seed(film.hashed.info, film.path)
        viewers = [await stack.enter_async_context(peer()) for _ in range(18)]
        for number, viewer in enumerate(viewers):
            await viewer.fetch_from(film, tmp_path / str(number), holder, *viewers)
        for viewer in viewers:
            await viewer.done(film.id)


async def test_a_lower_share_ends_the_newest(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with AsyncExitStack() as stack:
        holder = await stack.enter_async_context(peer())
        holder.session.seed(film.hashed.info, film.path)
        readers = await stack.enter_async_context(strangers(holder.address.port, 3))
        guard = holder.session.guard
        async with asyncio.timeout(SECONDS):
            while len(list(guard._shares)) < 3:
                await asyncio.sleep(0.01)
            holder.session.guard.set_share(1)
            for reader in readers[1:]:
                assert await reader.read() == b""
        assert not readers[0].at_eof()


endpoints = st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "::1"]), st.integers(1, 30))


@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.booleans(), endpoints)))
def test_nobody_has_more_than_his_share(
    most: int, steps: list[tuple[bool, bool, Endpoint]]
) -> None:
    shares = Shares(most)
    alive: dict[Endpoint, bool] = {}
    for comes, dialled, endpoint in steps:
        if comes:
            known = endpoint in shares
            ended = shares.add(endpoint, dialled=dialled)
            if not known:
                alive[endpoint] = dialled
            assert len(ended) <= 1
            for each in ended:
                assert each[0] == endpoint[0]
                # What we dialled goes only where there is nothing else to end.
                came = [e for e, was in alive.items() if e[0] == each[0] and not was]
                assert not alive.pop(each) or not came
        else:
            shares.remove(endpoint)
            alive.pop(endpoint, None)
        assert shares.of(endpoint[0]) == sum(e[0] == endpoint[0] for e in alive) <= most
        assert alive.keys() <= set(shares)
    shares.change(1)
    assert all(shares.of(host) <= 1 for host, _ in alive)


def test_the_newest_that_came_is_the_first_to_go() -> None:
    shares = Shares(2)
    assert shares.add(("h", 1), dialled=False) == []
    assert shares.add(("h", 2), dialled=False) == []
    assert shares.add(("h", 3), dialled=False) == [("h", 3)]
    assert shares.add(("h", 4), dialled=True) == [("h", 2)]
    assert shares.add(("h", 5), dialled=True) == [("h", 1)]
    assert shares.add(("h", 6), dialled=True) == [("h", 6)]
    assert shares.add(("i", 7), dialled=False) == []
    shares.remove(("h", 4))
    assert shares.add(("h", 8), dialled=False) == []
    assert set(shares) == {("h", n) for n in (1, 2, 3, 5, 6, 8)} | {("i", 7)}
