"""What a player has in hand, told by what it takes and when."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.player_buffer import ENOUGH_SECONDS, PlayerBuffer
from p2ptube.swarm.schedule import Playhead

seconds = st.floats(0.001, 100)


@given(st.lists(seconds, min_size=1))
def test_who_takes_all_at_once_has_all_of_it_in_hand(parts: list[float]) -> None:
    player = PlayerBuffer()
    for part in parts:
        player.give(part, 50)
        player.ask(50)
    assert player.empty_at == pytest.approx(50 + sum(parts))


@given(st.lists(seconds, min_size=1), st.floats(0.1, 1))
def test_who_plays_on_is_never_taken_for_paused(parts: list[float], hurry: float) -> None:
    player, now = PlayerBuffer(), 0.0
    for part in parts:
        player.give(part, now)
        now += hurry * part  # it takes the next before it has shown this one
        before = player.empty_at
        player.ask(now)
        assert player.empty_at == before


def test_who_stood_still_for_want_of_data_owes_nothing() -> None:
    player = PlayerBuffer()
    player.give(2, 10)
    player.ask(10)
    player.give(3, 60)
    assert player.empty_at == 63


@given(seconds, st.floats(101, 10_000))
def test_after_a_pause_it_has_what_it_had_before_but_no_more_than_is_sure(
    given_seconds: float, pause: float
) -> None:
    player = PlayerBuffer()
    player.give(given_seconds, 0)
    player.ask(pause)
    assert player.empty_at - pause == pytest.approx(min(given_seconds, ENOUGH_SECONDS))


def test_who_does_not_ask_though_it_should_have_run_out_is_paused() -> None:
    assert Playhead(0, 9, empty_at=5, asks=False).in_hand(6) == math.inf
    assert Playhead(0, 9, empty_at=5, asks=False).in_hand(3) == 2
    assert Playhead(0, 9, empty_at=5).in_hand(6) == 0
