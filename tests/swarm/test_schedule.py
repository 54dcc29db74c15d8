from __future__ import annotations

import math
import sys
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.pace import Pace
from p2ptube.swarm.schedule import (
    MIN_AHEAD,
    MOST_PIECES,
    NEXT,
    USUAL,
    WINDOW_SECONDS,
    Playhead,
    deadlines,
    priorities,
)

KIB = 1024
LENGTHS = st.sampled_from([16 * KIB, 64 * KIB, 1024 * KIB, 100_000])
STEADY = st.sampled_from([0.0, 1e4, 123_456.7, 5e5, 3e6, 5e7]).map(Pace)
OFFSETS = st.integers(0, 200 * 1024 * KIB)


@st.composite
def uneven(draw: st.DrawFn) -> Pace:
    """That of a film in which quiet scenes and others follow each other."""
    rates = draw(st.lists(st.sampled_from([20_000, 125_000, 400_000, 3_000_000]), min_size=2))
    scene = draw(st.sampled_from([2.0, 7.5, 30.0]))
    ends = list(accumulate(int(scene * rate) for rate in rates))
    index = [(scene * number, end) for number, end in enumerate(ends, 1)]
    return Pace.of_index(ends[-1], scene * len(rates), index, begins=draw(st.integers(0, 10**6)))


PACES = st.one_of(STEADY, uneven())


@st.composite
def playheads(draw: st.DrawFn) -> Playhead:
    start = draw(OFFSETS)
    return Playhead(start, start + draw(st.integers(1, 100 * 1024 * KIB)))


@st.composite
def owned(draw: st.DrawFn) -> set[int]:
    """Some pieces, often with runs of them."""
    runs = draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 400)), max_size=5))
    return {piece for start, count in runs for piece in range(start, start + count)}


@given(playheads(), owned(), LENGTHS, PACES)
def test_one_playhead(head: Playhead, have: set[int], length: int, pace: Pace) -> None:
    result = deadlines([head], have, piece_length=length, pace=pace)

    assert not have & result.keys()
    first, last = head.position // length, (head.end - 1) // length
    assert all(first <= piece <= last for piece in result)
    assert len(result) <= MOST_PIECES
    times = [result[piece] for piece in sorted(result)]
    assert times == sorted(times)
    assert all(0 <= time <= 2**31 - 1 for time in times)
    missing = next((piece for piece in range(first, last + 1) if piece not in have), None)
    if missing is not None and missing in result:
        assert result[missing] == min(times)
    # Who has nothing in hand waits for this very piece.
    if first not in have:
        assert result[first] == 0


@given(playheads(), owned(), LENGTHS, PACES)
def test_priorities_of_one_playhead(
    head: Playhead, have: set[int], length: int, pace: Pace
) -> None:
    result = priorities([head], have, piece_length=length, pace=pace)

    assert not have & result.keys()
    first, last = head.position // length, (head.end - 1) // length
    assert all(first <= piece <= last for piece in result)
    assert len(result) <= MOST_PIECES
    order = [result[piece] for piece in sorted(result)]
    assert order == sorted(order, reverse=True)
    # One piece comes before all others, and none is like one that nobody plays.
    assert order.count(NEXT) == min(1, len(order))
    assert all(USUAL < priority <= NEXT for priority in order)
    # Whatever has a deadline is in the window, or just behind it.
    due = deadlines([head], have, piece_length=length, pace=pace)
    assert not due or min(due) == min(result)


@given(st.lists(playheads(), min_size=2, max_size=4), owned(), LENGTHS, PACES)
def test_several_playheads_merge_by_the_highest_priority(
    heads: list[Playhead], have: set[int], length: int, pace: Pace
) -> None:
    together = priorities(heads, have, piece_length=length, pace=pace)
    alone = [priorities([head], have, piece_length=length, pace=pace) for head in heads]
    for piece, priority in together.items():
        assert priority == max(one.get(piece, 0) for one in alone)
    assert together.keys() == set().union(*alone)


@given(st.lists(playheads(), min_size=2, max_size=4), owned(), LENGTHS, PACES)
def test_several_playheads_merge_by_the_earliest(
    heads: list[Playhead], have: set[int], length: int, pace: Pace
) -> None:
    together = deadlines(heads, have, piece_length=length, pace=pace)
    alone = [deadlines([head], have, piece_length=length, pace=pace) for head in heads]
    assert together.keys() == set().union(*alone)
    for piece, time in together.items():
        assert time == min(result[piece] for result in alone if piece in result)


def window(in_hand: int, length: int = 16 * KIB, rate: float = 400_000) -> int:
    """How far, in bytes, the deadlines reach when that many pieces are in hand."""
    head = Playhead(0, 10**9)
    wanted = deadlines([head], set(range(in_hand)), piece_length=length, pace=Pace(rate))
    return (max(wanted, default=in_hand - 1) + 1) * length


def test_the_window_grows_with_what_is_in_hand_up_to_ten_seconds() -> None:
    reach = [window(in_hand) for in_hand in range(1000)]
    assert reach[0] == MIN_AHEAD
    widest = WINDOW_SECONDS * 400_000
    growing = [at for at in reach if at < widest]
    assert growing == sorted(growing)
    assert len(set(growing)) > 20
    # With ten seconds in hand nothing is urgent.
    assert max(reach[: int(widest / 16 / KIB)]) <= widest + 16 * KIB
    assert not deadlines(
        [Playhead(0, 10**9)], set(range(300)), piece_length=16 * KIB, pace=Pace(400_000)
    )


def test_a_piece_longer_than_the_window_is_wanted_all_the_same() -> None:
    head = Playhead(5, 10**9)
    wanted = deadlines([head], set(), piece_length=16 * 1024 * KIB, pace=Pace(1_000))
    assert wanted[0] == 0
    assert wanted.keys() <= {0, 1}


def test_without_playheads_nothing_is_urgent() -> None:
    assert deadlines([], set(), piece_length=64 * KIB, pace=Pace()) == {}


@given(
    playheads(),
    st.one_of(
        st.floats(0, sys.float_info.max),
        st.just(math.inf),
        st.floats(0, 1e-300),
    ),
    st.sampled_from([1, 16 * KIB, 128 * 1024 * KIB]),
)
def test_odd_bit_rates_give_usable_deadlines(head: Playhead, rate: float, length: int) -> None:
    result = deadlines([head], set(), piece_length=length, pace=Pace(rate))
    assert 0 < len(result) <= MOST_PIECES
    assert all(0 <= time <= 2**31 - 1 for time in result.values())


QUIET, DENSE = 125_000, 1_000_000  # bytes/s
SIZE = 60 * (QUIET + DENSE)


def talk_and_action() -> Pace:
    """A minute of a quiet talk, then a minute of action."""
    talk = [(float(second), second * QUIET) for second in range(60)]
    action = [(60.0 + second, 60 * QUIET + second * DENSE) for second in range(60)]
    return Pace.of_index(SIZE, 120.0, talk + action, begins=0)


def test_a_dense_scene_is_wanted_sooner_than_by_the_mean() -> None:
    length, pace = 64 * KIB, talk_and_action()
    in_hand = 5  # so much that the window is about as long as it gets
    begin = 60 * QUIET // length * length
    head = Playhead(begin, SIZE)
    have = set(range(begin // length, begin // length + in_hand * DENSE // length))

    exact = deadlines([head], have, piece_length=length, pace=pace)
    by_mean = deadlines([head], have, piece_length=length, pace=Pace(pace.rate))

    # All of the window: ten seconds of the scene, not of the mean.
    assert max(exact) * length == pytest.approx(begin + 10 * DENSE, abs=5 * length)
    assert max(by_mean) * length == pytest.approx(begin + 10 * pace.rate, abs=2 * length)
    for piece in by_mean.keys() & exact.keys():
        assert exact[piece] < by_mean[piece]
        due = (piece * length - 60 * QUIET) / DENSE
        assert exact[piece] == pytest.approx(1000 * due, abs=1000)


def test_what_comes_behind_a_quiet_scene_is_not_urgent() -> None:
    length, pace = 64 * KIB, talk_and_action()
    order = priorities([Playhead(0, SIZE)], set(), piece_length=length, pace=pace)
    by_mean = priorities([Playhead(0, SIZE)], set(), piece_length=length, pace=Pace(pace.rate))
    assert (len(order) - 1) * length < 10 * QUIET <= len(order) * length
    assert len(by_mean) > 4 * len(order)
    # What is missing of the next second, and of the next three.
    assert [order[piece] for piece in range(7)] == [NEXT, 6, 5, 5, 5, 5, 4]


def test_priorities_count_what_is_missing_by_its_own_rate() -> None:
    """All of the talk but its last piece is here: the action behind it is what counts."""
    length, pace = 64 * KIB, talk_and_action()
    boundary = 60 * QUIET // length
    have = set(range(boundary - 1)) | {boundary}
    head = Playhead((boundary - 1) * length, SIZE)
    order = priorities([head], have, piece_length=length, pace=pace)
    # The missing piece of the talk lasts half a second, and sixteen of the action one.
    assert [order[boundary + number] for number in (-1, 1, 7)] == [NEXT, 6, 6]
    assert order[boundary + 12] == 5
