"""A holder that is away for longer is dialled again when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.swarm.swarming import SECONDS, make_film, peer

ATTEMPTS = 30  # more than libtorrent makes by itself before it gives an address up


async def test_a_holder_that_was_away_for_many_attempts_is_found_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    async with peer() as holder:
        address = holder.address
    async with peer() as viewer:
        # Attempts are due at once, and not seconds after one another.
        viewer.session._session.apply_settings({"min_reconnect_time": 0})
        torrent = viewer.session.fetch(film.id, tmp_path / "B", info=film.hashed.info)
        for _ in range(ATTEMPTS):
            await viewer.session.dial(film.id, [address])
            await asyncio.sleep(0.05)  # a tick of libtorrent's
        async with peer(port=address.port) as back:
            back.session.seed(film.hashed.info, film.path)
            async with asyncio.timeout(SECONDS):
                while not torrent.finished:
                    await viewer.session.dial(film.id, [address])
                    await asyncio.sleep(0.1)
