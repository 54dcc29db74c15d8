"""Downloads that nobody watches make way for what somebody does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.swarm.swarming import Film, Peer, make_film, peer, read_all

from p2ptube.swarm import Torrent
from p2ptube.swarm.background import (
    CONTENT_SECONDS,
    HELD_BACK,
    HUNGRY_SECONDS,
    LONELY_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    Background,
    Watched,
    in_hand,
)
from p2ptube.swarm.favouring import favour
from p2ptube.swarm.pace import Pace
from p2ptube.swarm.schedule import Playhead

MEGABYTE = 1_000_000
SLOW = 16_000  # bytes/s: nobody plays that fast


@given(st.lists(st.lists(st.floats(0, 100), max_size=3)))
def test_between_the_thresholds_all_stays_as_it_is(steps: list[list[float]]) -> None:
    background, before = Background(), False
    for number, players in enumerate(steps):
        watched = {"film": Watched(tuple(players), received=number, connected=True)}
        now = background.step(watched, float(number))
        if any(seconds < HUNGRY_SECONDS for seconds in players):
            assert now
        elif all(seconds >= CONTENT_SECONDS for seconds in players):
            assert not now
        else:
            assert now == before
        before = now


HUNGRY = (0.0,)
seconds = st.floats(0, 60)
looks = st.lists(st.tuples(seconds, st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(looks)
def test_a_video_counts_while_something_of_it_came_of_late(
    looks: list[tuple[float, bool, bool]],
) -> None:
    """Each look: how long after the one before, whether bytes came, whether a peer is there."""
    background, now, received, news = Background(), 0.0, 0, 0.0
    for number, (later, came, connected) in enumerate(looks):
        now += later
        if came or not number:
            received, news = received + 1, now
        makes_way = background.step({"film": Watched(HUNGRY, received, connected)}, now)
        patience = PATIENCE_SECONDS if connected else LONELY_PATIENCE_SECONDS
        assert makes_way == (now - news < patience)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_a_peer_who_comes_and_goes_and_sends_nothing_holds_nobody_back(there: list[bool]) -> None:
    background = Background()
    background.step({"film": Watched(HUNGRY, 0, connected=False)}, 0.0)
    for number, connected in enumerate(there):
        now = PATIENCE_SECONDS + number
        assert not background.step({"film": Watched(HUNGRY, 0, connected)}, now)


def test_of_two_players_the_one_whose_video_comes_counts() -> None:
    background, dead = Background(), Watched(HUNGRY, 0, connected=True)
    for second in range(100):
        coming = Watched((CONTENT_SECONDS,), second, connected=True)
        makes_way = background.step({"dead": dead, "coming": coming}, float(second))
    assert not makes_way
    assert background.step({"dead": dead, "coming": Watched(HUNGRY, 100, connected=True)}, 100.0)
    # What is watched anew may be about to come.
    assert not background.step({}, 101.0)
    assert background.step({"dead": dead}, 102.0)


@given(st.sets(st.integers(0, 50)), st.integers(0, 49))
def test_what_is_in_hand_has_no_gap(have: set[int], head: int) -> None:
    seconds = in_hand(head, have, end=50, piece_length=1000, pace=Pace(1000))
    if seconds == float("inf"):
        assert set(range(head, 50)) <= have
    else:
        enough = round(seconds)
        assert set(range(head, head + enough)) <= have
        assert enough > CONTENT_SECONDS or head + enough not in have


@asynccontextmanager
async def two_downloads(
    tmp_path: Path, *, slow_holder: bool
) -> AsyncIterator[tuple[Peer, Torrent, Torrent, Film]]:
    """A viewer that begins to fetch a film, of a slow holder or of nobody, and another one."""
    film, other = make_film(tmp_path / "a", MEGABYTE), make_film(tmp_path / "b", 2 * MEGABYTE)
    async with peer(upload_limit=SLOW) as slow, peer(MEGABYTE // 2) as holder, peer() as viewer:
        slow.session.seed(film.hashed.info, film.path)
        holder.session.seed(other.hashed.info, other.path)
        second = await viewer.fetch_from(other, tmp_path / "there", holder)
        holders = [slow] if slow_holder else []
        first = await viewer.fetch_from(film, tmp_path / "here", *holders)
        await first.checked(30)
        yield viewer, first, second, other


def test_a_dense_scene_is_over_sooner() -> None:
    """Ten pieces that last a second each, and then ten in a second."""
    index = [(float(piece), piece * 1000) for piece in range(11)]
    pace = Pace.of_index(110_000, 20.0, index, begins=0)
    have = set(range(100))
    assert in_hand(5, set(range(8)), end=110, piece_length=1000, pace=pace) == pytest.approx(3)
    assert in_hand(5, set(range(20)), end=110, piece_length=1000, pace=pace) == pytest.approx(6)
    assert in_hand(90, have, end=110, piece_length=1000, pace=pace) == pytest.approx(1)
    assert in_hand(0, have, end=110, piece_length=1000, pace=pace) > CONTENT_SECONDS


@pytest.mark.parametrize("watched", [True, False])
async def test_a_download_makes_way_while_a_player_is_hungry(tmp_path: Path, watched: bool) -> None:
    """A player waits for what comes too slowly; a second torrent is there to be had."""
    async with two_downloads(tmp_path, slow_holder=True) as (viewer, first, second, other):
        if watched:
            first.place("a player", Playhead(0, MEGABYTE))
        await viewer.until(lambda: first.connected > 0 and received(first) > 0)
        viewer.session.favour_watched()
        assert second.held_back == watched
        assert second.handle.download_limit() in ({HELD_BACK} if watched else {0, -1})
        assert not first.held_back
        first.lift("a player")
        viewer.session.favour_watched()
        assert not second.held_back
        await viewer.done(other.id)
        assert await read_all(second, 0, len(other.data)) == other.data


async def test_a_player_whose_video_cannot_come_holds_nobody_back(tmp_path: Path) -> None:
    async with two_downloads(tmp_path, slow_holder=False) as (viewer, first, second, other):
        first.place("a player", Playhead(0, MEGABYTE))
        background, torrents = Background(), viewer.session.torrents()
        favour(background, torrents, 0.0)
        assert second.held_back  # a holder may be about to be found
        favour(background, torrents, LONELY_PATIENCE_SECONDS)
        assert not second.held_back
        assert second.handle.download_limit() in {0, -1}
        await viewer.done(other.id)
        assert first.playheads() == (0,)


def received(torrent: Torrent) -> int:
    return torrent.status.total_payload_download if torrent.status is not None else 0
