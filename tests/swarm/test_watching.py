"""Who sent which piece, and limits that are changed while bytes flow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.swarm.swarming import SECONDS, make_film, peer

from p2ptube.swarm.origins import MOST_ADDRESSES, Origins
from p2ptube.swarm.senders import Senders

MEGABYTE = 1024 * 1024


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abcd"))),
    st.text("012", max_size=50),
)
def test_origins_name_the_last_sender(notes: list[tuple[int, str]], pieces: str) -> None:
    origins = Origins()
    for piece, address in notes:
        origins.note(piece, address)
    shown = ["c", "x", "a"]
    last = dict(notes)
    expected = [
        shown.index(last[i]) if have == "1" and last.get(i) in shown else -1
        for i, have in enumerate(pieces)
    ]
    assert list(origins.indices(pieces, shown)) == expected


def test_origins_are_bounded() -> None:
    origins = Origins()
    for number in range(MOST_ADDRESSES + 5):
        origins.note(number, f"peer {number}")
    late = f"peer {MOST_ADDRESSES + 1}"
    pieces = "1" * (MOST_ADDRESSES + 5)
    assert origins.indices(pieces, [late]) == (-1,) * len(pieces)
    assert origins.indices("11", ["peer 1"]) == (-1, 0)


async def test_each_piece_has_the_sender_it_came_from(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 8 * MEGABYTE)
    async with (
        peer(upload_limit=4 * MEGABYTE) as one,
        peer(upload_limit=4 * MEGABYTE) as other,
        peer() as viewer,
    ):
        for holder in (one, other):
            holder.session.seed(film.hashed.info, film.path)
        viewer.session.watch_blocks(True)
        torrent = await viewer.fetch_from(film, tmp_path / "got", one, other)
        await viewer.done(film.id)
        torrent.update_peers()
        addresses = [known.address for known in torrent.peers()]
        assert set(addresses) == {str(one.address), str(other.address)}
        sources = torrent.origins.indices(torrent.pieces(), addresses)
        assert set(sources) == {0, 1}
        assert len(sources) == len(torrent.pieces())


async def test_of_a_single_holder_no_blocks_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[int] = []
    monkeypatch.setattr(Senders, "on_block", lambda self, torrent, piece, _: blocks.append(piece))
    film = make_film(tmp_path / "film.mp4", 4 * MEGABYTE)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        viewer.session.watch_blocks(True)
        torrent = await viewer.fetch_from(film, tmp_path / "got", holder)
        await viewer.done(film.id)
        assert set(torrent.origins.indices(torrent.pieces(), [str(holder.address)])) == {0}
        assert not blocks


async def test_watching_may_begin_and_holders_come_while_pieces_do(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 6 * MEGABYTE)
    async with (
        peer(upload_limit=2 * MEGABYTE) as first,
        peer(upload_limit=2 * MEGABYTE) as second,
        peer() as viewer,
    ):
        for holder in (first, second):
            holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "got", first)
        await viewer.until(lambda: bool(torrent.status and torrent.status.num_pieces))
        before = torrent.pieces().count("1")
        viewer.session.watch_blocks(True)
        await viewer.dial(film.id, second)
        await viewer.done(film.id)
        addresses = [str(first.address), str(second.address)]
        sources = torrent.origins.indices(torrent.pieces(), addresses)
        assert {0, 1} <= set(sources)
        assert sources.count(-1) <= before  # those that came before anybody looked


async def test_unwatched_pieces_have_none(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 2 * MEGABYTE)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        viewer.session.watch_blocks(True)
        viewer.session.watch_blocks(False)
        torrent = await viewer.fetch_from(film, tmp_path / "got", holder)
        await viewer.done(film.id)
        assert set(torrent.origins.indices(torrent.pieces(), [str(holder.address)])) == {-1}


async def test_a_limit_of_an_open_connection_is_lifted(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 16 * MEGABYTE)
    async with peer(upload_limit=64 * 1024) as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "got", holder)
        await viewer.until(lambda: torrent.progress > 0)  # would take four minutes
        (before,) = torrent.peers()
        holder.session.rates.set_limits(upload=64 * 1024, download=0, limit_lan=False)
        await viewer.done(film.id)
        torrent.update_peers()
        (after,) = torrent.peers()
        assert (after.address, after.downloaded > before.downloaded) == (before.address, True)


async def test_a_limit_is_set_on_an_open_connection(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 64 * MEGABYTE)
    async with peer() as holder, peer(download_limit=8 * MEGABYTE) as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "got", holder)
        await viewer.until(lambda: torrent.progress > 0)
        # The holder's side: unlimited until now, for all of this machine's peers.
        holder.session.rates.set_limits(upload=MEGABYTE // 4, download=0, limit_lan=True)
        viewer.session.rates.set_limits(upload=0, download=0, limit_lan=True)
        slow = asyncio.Event()

        def look(_: str) -> None:
            rates = [known.download_rate for known in torrent.peers()]
            if not torrent.finished and rates and 0 < max(rates) < MEGABYTE:
                slow.set()

        viewer.session.on_update = look
        async with asyncio.timeout(SECONDS):
            await slow.wait()
