"""Alerts that were lost: nobody waits for ever for what one of them would have told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest
from tests.swarm.swarming import SECONDS, Peer, make_film, peer

from p2ptube.swarm import Session, alerts
from p2ptube.swarm.ahead import moved

MIB = 1024 * 1024


class Loss:
    """Loses the alerts of a kind, until it is told that some were lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, mine: Peer, kind: type) -> None:
        self._mine = mine
        self._handler = alerts._HANDLERS[kind]
        self._told = False
        self._lost = asyncio.Event()
        monkeypatch.setitem(alerts._HANDLERS, kind, self._handle)

    def _handle(self, session: Session, alert: Any) -> None:
        if self._told or session is not self._mine.session:
            self._handler(session, alert)
        else:
            self._lost.set()

    async def made_up_for(self, waiting: Awaitable[object]) -> None:
        """Lose one, tell it, and see that what waits for it comes to its end."""
        task = asyncio.ensure_future(waiting)
        async with asyncio.timeout(SECONDS):
            await self._lost.wait()
            assert not task.done()
            self._told = True
            alerts._lost(self._mine.session, None)
            await task


async def test_that_the_metadata_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes next tells it, too."""
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        Loss(monkeypatch, viewer, lt.metadata_received_alert)
        viewer.session.fetch(film.id, tmp_path / "B")
        await viewer.dial(film.id, holder)
        await viewer.done(film.id)


async def test_that_what_is_here_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        loss = Loss(monkeypatch, viewer, lt.torrent_checked_alert)
        torrent = viewer.session.fetch(film.id, tmp_path / "B", info=film.hashed.info)
        await loss.made_up_for(torrent.checked(SECONDS))
        await viewer.dial(film.id, holder)
        await viewer.done(film.id)


async def test_that_all_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        loss = Loss(monkeypatch, viewer, lt.torrent_finished_alert)
        await viewer.fetch_from(film, tmp_path / "B", holder)
        await loss.made_up_for(viewer.done(film.id))


async def test_that_all_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as holder, peer() as viewer:
        holder.session.seed(film.hashed.info, film.path)
        torrent = await viewer.fetch_from(film, tmp_path / "B", holder)
        await viewer.done(film.id)
        await Loss(monkeypatch, viewer, lt.cache_flushed_alert).made_up_for(torrent.flushed())
    assert (tmp_path / "B" / "film.mp4").read_bytes() == film.data


async def test_that_its_files_were_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mp4", MIB)
    async with peer() as viewer:
        viewer.session.fetch_ahead(film.id, tmp_path / "A", film.hashed.info)
        loss = Loss(monkeypatch, viewer, lt.storage_moved_alert)
        torrent = viewer.session.fetch(film.id, tmp_path / "B")
        await loss.made_up_for(moved(torrent))
