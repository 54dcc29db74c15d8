"""A holder that is away for longer, or was banned, is dialled again when it is all right again."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from tests.ports import held
from tests.swarm.swarming import SECONDS, Film, Peer, make_film, peer

from p2ptube.models import PeerAddress
from p2ptube.swarm import Torrent, bans

ATTEMPTS = 30  # more than libtorrent makes by itself before it gives an address up


async def test_a_holder_that_was_away_for_many_attempts_is_found_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    with held() as its_port:
        address = PeerAddress(*its_port.getsockname())
        await is_found_again(film, tmp_path / "B", address)


async def is_found_again(film: Film, directory: Path, address: PeerAddress) -> None:
    async with peer() as viewer:
        # Attempts are due at once, and not seconds after one another.
        viewer.session._session.apply_settings({"min_reconnect_time": 0})
        torrent = viewer.session.fetch(film.id, directory, info=film.hashed.info)
        for _ in range(ATTEMPTS):
            await viewer.session.dial(film.id, [address])
            await asyncio.sleep(0.05)  # a tick of libtorrent's
        async with peer(port=address.port) as back:
            back.session.seed(film.hashed.info, film.path)
            async with asyncio.timeout(SECONDS):
                while not torrent.finished:
                    await viewer.session.dial(film.id, [address])
                    await asyncio.sleep(0.1)


async def test_the_only_holder_is_forgiven_a_wrong_piece_once_he_has_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bans, "FIRST_SECONDS", 0.2)
    film = make_film(tmp_path / "film.mp4", 300_000)
    film.path.write_bytes(random.Random(1).randbytes(len(film.data)))
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        async with asyncio.timeout(SECONDS):
            while not torrent.bans.is_over(holder.address.host, float("inf")):
                await asyncio.sleep(0.05)
        # To have asked counts as the other chance: it begins anew.
        torrent.bans.add(holder.address.host, asyncio.get_running_loop().time())
        # The holder notices it and puts the file right; by then it does not know the viewer.
        await holder.session.remove(film.id)
        film.path.write_bytes(film.data)
        holder.session.seed(film.hashed.info, film.path)
        async with asyncio.timeout(SECONDS):
            while not torrent.finished:
                torrent.update_peers()
                await viewer.dial(film.id, holder)
                await asyncio.sleep(0.1)
    assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data


async def test_all_are_dialled_at_once_and_those_before_them_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    async with peer() as first, peer() as second, peer() as viewer:
        for holder in (first, second):
            holder.session.seed(film.hashed.info, film.path)
        torrent = viewer.session.fetch(film.id, tmp_path / "B", info=film.hashed.info, held=True)
        await viewer.dial(film.id, first)
        async with asyncio.timeout(SECONDS):
            await until_connected(torrent, first)
            await viewer.session.dial(film.id, [second.address], at_once=True)
            await until_connected(torrent, first, second)
            torrent.wanting.begin()
            await viewer.done(film.id)


async def test_nobody_is_left_for_it_once_anything_has_come(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 3_000_000)
    async with peer(upload_limit=300_000) as first, peer() as second, peer() as viewer:
        first.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", first)
        await viewer.until(lambda: any(p.downloaded for p in torrent.peers()))
        (before,) = torrent.handle.get_peer_info()
        await viewer.session.dial(film.id, [second.address], at_once=True)
        (after,) = (p for p in torrent.handle.get_peer_info() if p.ip == before.ip)
        assert after.local_endpoint() == before.local_endpoint()


async def until_connected(torrent: Torrent, *holders: Peer) -> None:
    """Wait until the torrent is connected to these and to nobody else."""
    expected = sorted(holder.address.port for holder in holders)
    while sorted(p.ip[1] for p in torrent.handle.get_peer_info()) != expected:
        await asyncio.sleep(0.02)
    assert torrent.is_connected_to(holders[0].address.host)
