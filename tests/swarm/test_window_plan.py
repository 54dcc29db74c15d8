"""What playing without keeping allows and forgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.window_plan import (
    LEAST_PIECES,
    MOST_TIMES,
    needed_pieces,
    plan,
    window_bytes,
)

MIB = 1024 * 1024
VIDEO = range(3, 500)
pieces = st.integers(VIDEO.start, VIDEO.stop - 1)
windows = st.integers(LEAST_PIECES, 200)
few_heads = st.lists(pieces, min_size=1, max_size=3)


@given(few_heads, st.sets(pieces), windows)
def test_a_plan_stays_within_the_window(heads: list[int], have: set[int], most: int) -> None:
    planned = plan(heads, have, video=VIDEO, most=most)
    assert len(planned.allowed) <= most
    assert planned.allowed <= set(VIDEO)
    assert needed_pieces(heads, video=VIDEO, most=most) <= planned.allowed
    # What is here is allowed, or it is forgotten: no piece takes space beside the plan.
    assert planned.forget == have - planned.allowed
    if len(have | planned.allowed) <= most:
        assert not planned.forget


@given(few_heads, st.sets(pieces), windows, st.sets(pieces, max_size=3))
def test_what_is_being_read_is_not_forgotten(
    heads: list[int], have: set[int], most: int, reading: set[int]
) -> None:
    planned = plan(heads, have, video=VIDEO, most=most, in_use=reading)
    assert reading <= planned.allowed
    assert len(planned.allowed) <= most + len(reading)


@given(st.lists(pieces, min_size=4, max_size=300), windows)
def test_many_readers_get_something_each(heads: list[int], most: int) -> None:
    planned = plan(heads, set(), video=VIDEO, most=most)
    assert set(heads) <= planned.allowed
    assert len(planned.allowed) <= max(most, 2 * len(set(heads)))


@given(windows)
def test_a_film_is_played_in_few_rounds(most: int) -> None:
    """From one round to the next the playhead moves by about half of the window."""
    have: set[int] = set()
    allowed: frozenset[int] = frozenset()
    rounds = 0
    for head in VIDEO:
        if not needed_pieces([head], video=VIDEO, most=most) <= allowed:
            planned = plan([head], have, video=VIDEO, most=most)
            have -= planned.forget
            rounds += bool(planned.forget)
            allowed = planned.allowed
        have |= allowed  # all that may be fetched is fetched at once
        assert head in have
        assert len(have) <= most
    assert rounds <= len(VIDEO) / (0.3 * most) + 1


def test_a_step_back_is_in_the_window_and_a_jump_is_not() -> None:
    have = set(range(100, 180))
    planned = plan([160], have, video=VIDEO, most=80)
    assert 155 in planned.allowed
    assert 110 in planned.forget
    back = plan([10], set(planned.allowed), video=VIDEO, most=80)
    assert set(range(10, 40)) <= back.allowed
    assert back.forget == planned.allowed


def test_the_end_of_a_video_needs_nothing_beyond() -> None:
    planned = plan([VIDEO.stop - 1], set(), video=VIDEO, most=80)
    assert max(planned.allowed) == VIDEO.stop - 1


@given(
    st.integers(0, 10**12),
    st.floats(0, 1e12, allow_nan=False),
    st.integers(16 * MIB, 1024 * MIB),
)
def test_size_of_the_window(size: int, rate: float, setting: int) -> None:
    window = window_bytes(size, bytes_per_second=rate, setting=setting)
    if window:
        assert setting <= window <= MOST_TIMES * setting
        assert window < size
    else:
        assert size <= MOST_TIMES * setting


def test_window_of_usual_videos() -> None:
    hour = 3600
    assert window_bytes(2 * 10**9, bytes_per_second=2e9 / hour, setting=64 * MIB) == 64 * MIB
    # 24 Mbit/s: 60 s of it.
    assert window_bytes(10**10, bytes_per_second=3e6, setting=64 * MIB) == 180_000_000
    assert window_bytes(10 * MIB, bytes_per_second=3e5, setting=64 * MIB) == 0


@given(st.integers(0, VIDEO.stop + 5), windows)
def test_the_window_lies_in_the_video_wherever_a_playhead_is(head: int, most: int) -> None:
    """Its file may be one of many of a torrent, and before the first playhead 0 is assumed."""
    within = range(200, VIDEO.stop)
    needed = needed_pieces([head], video=within, most=most)
    planned = plan([head], set(), video=within, most=most)
    assert needed
    assert needed <= planned.allowed <= set(within)
    if head <= within.start:
        assert planned.allowed == set(within[:most])
