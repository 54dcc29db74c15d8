"""Torrents that are told to nobody but trackers and known holders."""

from __future__ import annotations

from pathlib import Path

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.swarm.swarming import make_film, peer

from p2ptube.swarm import (
    Torrent,
    magnet_link,
    parse_magnet,
    parse_torrent,
    says_unlisted,
    torrent_file,
)

HASH = "0123456789abcdef" * 2 + "01234567"


def told(torrent: Torrent) -> set[str]:
    """Of DHT and local discovery, those that hear of a torrent."""
    flags = torrent.handle.flags()
    off = {"dht": lt.torrent_flags.disable_dht, "lsd": lt.torrent_flags.disable_lsd}
    return {name for name, flag in off.items() if not flags & flag}


@pytest.mark.parametrize("listed", [True, False])
async def test_an_unlisted_torrent_is_in_no_dht(tmp_path: Path, listed: bool) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    usual = {"dht", "lsd"}
    async with peer() as holder, peer() as viewer:
        seeded = holder.session.seed(film.hashed.info, film.path, listed=listed)
        assert told(seeded) == (usual if listed else set())
        fetched = viewer.session.fetch(
            film.id, tmp_path / "B", info=film.hashed.info, listed=listed
        )
        assert told(fetched) == (usual if listed else set())
        await viewer.dial(film.id, holder)
        await viewer.done(film.id)
        for torrent in (seeded, fetched):
            assert told(torrent) == (usual if listed else set())


async def test_it_can_change_while_the_torrent_is_shared(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", 300_000)
    async with peer() as holder:
        torrent = holder.session.seed(film.hashed.info, film.path)
        holder.session.set_listed(film.id, False)
        assert told(torrent) == set()
        holder.session.set_listed(film.id, True)
        assert told(torrent) == {"dht", "lsd"}
        holder.session.set_listed(HASH, False)  # not here: nothing happens


@given(st.text(max_size=30), st.booleans())
def test_a_link_says_that_it_is_unlisted(name: str, unlisted: bool) -> None:
    magnet = parse_magnet(
        magnet_link(HASH, name.encode("utf-8", "replace").decode(), unlisted=unlisted)
    )
    assert (magnet.info_hash, magnet.unlisted) == (HASH, unlisted)


@pytest.mark.parametrize("tail", ["", "&x.unlisted=0", "&x.unlisted", "&dn=x.unlisted%3D1"])
def test_a_link_that_does_not(tail: str) -> None:
    assert not parse_magnet(f"magnet:?xt=urn:btih:{HASH}{tail}").unlisted


@pytest.mark.parametrize("web_seeds", [(), ("http://127.0.0.1:1/stream",)])
@pytest.mark.parametrize("unlisted", [True, False])
def test_a_torrent_file_says_so(tmp_path: Path, web_seeds: tuple[str, ...], unlisted: bool) -> None:
    info = make_film(tmp_path / "film.mp4", 100_000).hashed.info
    data = torrent_file(info, ["http://127.0.0.1:1/announce"], web_seeds, unlisted=unlisted)
    assert lt.bencode(lt.bdecode(data)) == data  # the keys are in order
    assert parse_torrent(data) == (info, ("http://127.0.0.1:1/announce",))
    assert says_unlisted(data) is unlisted
