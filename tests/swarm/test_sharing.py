"""Leechers that know of each other share out what a single seed has: real sessions."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from tests.swarm.swarming import Peer, make_film, peer, read_all

SIZE = 4_000_000
RATE = 1_000_000


async def test_a_crowd_of_leechers_spares_the_seed(tmp_path: Path) -> None:
    film = make_film(tmp_path / "seed" / "film.mp4", SIZE)
    async with contextlib.AsyncExitStack() as stack:
        seed = await stack.enter_async_context(peer(upload_limit=RATE))
        seeded = seed.session.seed(film.hashed.info, film.path)
        crowd = [await stack.enter_async_context(peer(upload_limit=3 * RATE)) for _ in range(4)]
        names = {f"{number}" for number in range(4)}
        torrents = []
        for number, viewer in enumerate(crowd):
            torrent = await viewer.fetch_from(film, tmp_path / f"{number}", seed, *crowd[:number])
            torrent.scheduling.share_among(str(number), names)
            torrents.append(torrent)
        assert all(torrent.scheduling.sharing for torrent in torrents)

        films = await asyncio.gather(*(read_all(torrent, 0, SIZE) for torrent in torrents))

        assert films == [film.data] * 4
        await asyncio.gather(*(viewer.done(film.id) for viewer in crowd))
        seeded.update_peers()
        sent = sum(one.uploaded for one in seeded.peers())
        # Four copies without their help of each other; they also ask when it is urgent.
        assert SIZE <= sent < 2.5 * SIZE


async def test_who_is_alone_does_not_share(tmp_path: Path) -> None:
    film = make_film(tmp_path / "seed" / "film.mp4", SIZE)
    async with peer(upload_limit=RATE) as seed, peer() as viewer:
        seed.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "0", seed)
        torrent.scheduling.share_among("a", {"b"})
        assert not torrent.scheduling.sharing
        most = _most_requests(viewer)
        torrent.scheduling.share_among("a", {"b", "c"})
        assert torrent.scheduling.sharing
        assert _most_requests(viewer) < most
        await _first_piece(viewer, film.id)
        torrent.scheduling.share_among("a", set())
        assert not torrent.scheduling.sharing
        assert _most_requests(viewer) == most

        assert await read_all(torrent, 0, SIZE) == film.data


def _most_requests(viewer: Peer) -> int:
    """How many blocks libtorrent asks of a peer in advance at most."""
    return int(viewer.session._session.get_settings()["max_out_request_queue"])


async def _first_piece(viewer: Peer, video_id: str) -> None:
    torrent = viewer.session.get(video_id)
    assert torrent is not None
    async with asyncio.timeout(30):
        await asyncio.wait(
            [asyncio.ensure_future(torrent.arrived(piece)) for piece in range(5)],
            return_when=asyncio.FIRST_COMPLETED,
        )
