"""How the bytes of a video spread over its time, whatever its index says."""

from __future__ import annotations

import math
import sys
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2ptube.swarm.pace import (
    DEFAULT_BYTES_PER_SECOND,
    HIGHEST_RATE,
    LOWEST_RATE,
    Pace,
    Playtime,
    plausible,
)

OFFSETS = st.integers(0, 2**40)
RATES = st.sampled_from([0.0, 1e4, 123_456.7, 5e5, 3e6, 5e7])
TOLD = st.tuples(st.floats(), st.integers(-(2**63), 2**63))
# What is told of a file: its size, its duration, its index, and where it begins in its torrent.
SIZES = st.integers(1, 2**40)
DURATIONS = st.one_of(st.floats(), st.floats(0.1, 1e6))


@st.composite
def usual(draw: st.DrawFn) -> Pace:
    """That of a real video, whose rate changes."""
    parts = draw(
        st.lists(
            st.tuples(st.floats(1, 60), st.integers(20_000, 5_000_000)), min_size=2, max_size=30
        )
    )
    times = [0.0, *accumulate(seconds for seconds, _ in parts)]
    places = [0, *accumulate(round(seconds * rate) for seconds, rate in parts)]
    index = list(zip(times, places, strict=True))[:-1]
    return Pace.of_index(places[-1], times[-1], index, begins=draw(st.integers(0, 10**9)))


@st.composite
def any_pace(draw: st.DrawFn) -> Pace:
    """One of a stranger's."""
    if draw(st.booleans()):
        return Pace(draw(st.floats()))
    index = draw(st.lists(TOLD, max_size=20))
    return Pace.of_index(draw(SIZES), draw(DURATIONS), index, begins=draw(OFFSETS))


@given(OFFSETS, st.integers(1, 2**40), RATES)
def test_a_steady_one_is_its_rate(start: int, length: int, rate: float) -> None:
    pace = Pace(rate)
    assert pace.is_steady
    assert pace.seconds_between(start, start + length) == length / plausible(rate)
    assert pace.bytes_within(start, 10.0) == plausible(rate) * 10.0


@given(any_pace(), OFFSETS, st.integers(0, 2**40), st.integers(0, 2**40))
def test_seconds_add_up(pace: Pace, start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    whole = pace.seconds_between(start, end)
    parts = pace.seconds_between(start, middle) + pace.seconds_between(middle, end)
    assert math.isclose(whole, parts, rel_tol=1e-6, abs_tol=1e-3)


@given(usual(), OFFSETS, st.floats(0, 1000))
def test_one_way_is_the_inverse_of_the_other(pace: Pace, start: int, seconds: float) -> None:
    length = pace.bytes_within(start, seconds)
    assert math.isclose(
        pace.seconds_between(start, start + length), seconds, rel_tol=1e-6, abs_tol=1e-3
    )


@given(any_pace(), OFFSETS, st.integers(1, 2**40), st.floats(0, 1e6))
@example(Pace.of_index(1000, 1e-300, [(0.0, 1)], begins=0), 0, 10, 1.0)
def test_whatever_is_told_it_stays_plausible(
    pace: Pace, start: int, length: int, seconds: float
) -> None:
    taken = pace.seconds_between(start, start + length)
    spare = 1e-3 + 1e-6 * taken
    assert length / HIGHEST_RATE - spare <= taken <= length / LOWEST_RATE + spare
    assert taken <= pace.seconds_between(start, start + 2 * length)
    assert pace.seconds_between(start + length, start) == 0
    ahead = pace.bytes_within(start, seconds)
    assert 0 <= ahead <= pace.bytes_within(start, 2 * seconds) + 1
    room = 1e6 + 1e-6 * ahead
    assert seconds * LOWEST_RATE - room <= ahead <= seconds * HIGHEST_RATE + room


@given(st.integers(10_000, 10**10), st.floats(10, 10_000), OFFSETS, st.integers(0, 2**34), SIZES)
def test_a_constant_index_is_the_mean(
    size: int, duration: float, begins: int, start: int, length: int
) -> None:
    index = [(duration * part / 100, size * part // 100) for part in range(100)]
    pace = Pace.of_index(size, duration, index, begins=begins)
    mean = Pace(size / duration)
    if size / duration > 2 * LOWEST_RATE:
        assert math.isclose(
            pace.seconds_between(begins + start, begins + start + length),
            mean.seconds_between(start, start + length),
            rel_tol=0.02,
            abs_tol=0.02,
        )


@given(st.integers(1, 2**40), st.floats(0.1, 1e6), st.lists(TOLD, max_size=10), OFFSETS, OFFSETS)
def test_where_the_file_begins_in_its_torrent(
    size: int, duration: float, index: list[tuple[float, int]], begins: int, start: int
) -> None:
    alone = Pace.of_index(size, duration, index, begins=0)
    behind = Pace.of_index(size, duration, index, begins=begins)
    assert alone.is_steady == behind.is_steady
    assert math.isclose(
        alone.seconds_between(start, start + 10**6),
        behind.seconds_between(begins + start, begins + start + 10**6),
        rel_tol=1e-6,
        abs_tol=1e-3,
    )


QUIET, NOISY = 125_000, 1_000_000  # bytes/s


def two_halves(begins: int = 0) -> Pace:
    """A minute of quiet talk, and a minute of 8 times as many bytes."""
    size = 60 * (QUIET + NOISY)
    quiet = [(float(t), t * QUIET) for t in range(60)]
    noisy = [(60.0 + t, 60 * QUIET + t * NOISY) for t in range(60)]
    return Pace.of_index(size, 120.0, quiet + noisy, begins=begins)


def test_a_quiet_half_and_a_noisy_one() -> None:
    pace = two_halves(begins=1000)
    assert pace.rate == (QUIET + NOISY) / 2
    assert pace.bytes_within(1000, 10) == pytest.approx(10 * QUIET)
    assert pace.bytes_within(1000 + 60 * QUIET, 10) == pytest.approx(10 * NOISY)
    assert pace.bytes_within(1000 + 55 * QUIET, 10) == pytest.approx(5 * QUIET + 5 * NOISY)
    assert pace.seconds_between(1000, 1000 + 60 * QUIET + NOISY) == pytest.approx(61)


def test_an_index_in_front_takes_no_time() -> None:
    """The media of an MP4 begin behind its `moov`, all of which a player needs at once."""
    pace = Pace.of_index(11_000_000, 100.0, [(0.0, 1_000_000), (50.0, 6_000_000)], begins=0)
    assert pace.seconds_between(0, 1_000_000) < 0.01
    assert pace.bytes_within(0, 1.0) == pytest.approx(1_100_000, rel=0.01)


@pytest.mark.parametrize(
    "odd",
    [
        (30.0, 10**12),  # behind the end
        (30.0, -5),
        (math.nan, 500_000),
        (-1.0, 500_000),
        (121.0, 500_000),
        (5.0, QUIET),  # where one second has passed: each place counts once, the first one
        (0.5, 9 * QUIET),  # back in time
    ],
)
def test_entries_that_cannot_be_are_ignored(odd: tuple[float, int]) -> None:
    size = 60 * (QUIET + NOISY)
    index = [(0.0, 0), (1.0, QUIET), odd, (60.0, 60 * QUIET)]
    without = [(0.0, 0), (1.0, QUIET), (60.0, 60 * QUIET)]
    told, good = (Pace.of_index(size, 120.0, each, begins=0) for each in (index, without))
    for start in range(0, size, size // 50):
        assert told.seconds_between(0, start) == good.seconds_between(0, start)


def test_nothing_told() -> None:
    for pace in (Pace(), Pace.of_index(0, 0, [], begins=0), Pace.of_index(10, 0.0, [], begins=7)):
        assert pace.is_steady
        assert pace.rate == DEFAULT_BYTES_PER_SECOND
    assert Pace(sys.float_info.max).rate == HIGHEST_RATE
    assert Pace(math.nan).rate == DEFAULT_BYTES_PER_SECOND


@given(any_pace(), st.lists(st.tuples(OFFSETS, st.integers(0, 2**30)), max_size=10))
def test_a_sum_of_parts(pace: Pace, parts: list[tuple[int, int]]) -> None:
    together = Playtime(pace)
    for start, length in parts:
        together.add(start, start + length)
    expected = sum(pace.seconds_between(start, start + length) for start, length in parts)
    assert math.isclose(together.seconds, expected, rel_tol=1e-9, abs_tol=1e-9)
