"""When somebody who was banned is given another chance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.bans import FIRST_SECONDS, LONGEST_SECONDS, Bans


def test_a_ban_ends_and_only_for_who_is_asked_for() -> None:
    bans = Bans()
    bans.add("10.0.0.1", 100)
    assert not bans.is_over("10.0.0.1", 100 + FIRST_SECONDS - 0.1)
    assert not bans.is_over("10.0.0.2", 100 + FIRST_SECONDS)
    assert bans.is_over("10.0.0.1", 100 + FIRST_SECONDS)
    assert not bans.is_over("10.0.0.1", 100 + 3 * FIRST_SECONDS - 0.1)
    assert bans.is_over("10.0.0.1", 100 + 3 * FIRST_SECONDS)


@given(st.lists(st.booleans(), max_size=40))
def test_each_time_it_takes_twice_as_long_up_to_the_longest(banned_again: list[bool]) -> None:
    bans, now, expected = Bans(), 0.0, FIRST_SECONDS
    bans.add("10.0.0.1", now)
    for again in banned_again:
        assert not bans.is_over("10.0.0.1", now + expected - 0.1)
        now += expected
        if again:
            bans.add("10.0.0.1", now)
        else:
            assert bans.is_over("10.0.0.1", now)
        expected = min(2 * expected, LONGEST_SECONDS)
