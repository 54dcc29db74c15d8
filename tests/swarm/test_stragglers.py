"""Who is left because he keeps from a player what it needs next."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.pace import Pace
from p2ptube.swarm.schedule import Playhead
from p2ptube.swarm.shares import Endpoint
from p2ptube.swarm.stragglers import (
    FAR_QUICKER,
    LONG_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    QUICK_PATIENCE_SECONDS,
    URGENT_SECONDS,
    Sender,
    Stragglers,
    urgent,
)

LENGTH = 65_536
QUICK, SLOW, THIRD = ("192.0.2.1", 1), ("192.0.2.2", 1), ("192.0.2.3", 1)
EVERYTHING = range(1000)
LOOK = 0.25


def left(
    rates: dict[Endpoint, float],
    *,
    seconds: float,
    asked: dict[Endpoint, dict[int, int]] | None = None,
    barters: bool = False,
    held_up: bool = False,
    pieces: dict[Endpoint, range] | None = None,
    due: float = 1.0,
    in_crowd: bool = False,
) -> set[Endpoint]:
    """Who is left within so many seconds, of peers that send at these rates.

    All are asked for piece 5, unless it is said otherwise; SLOW alone may barter or be held up.
    """
    stragglers = Stragglers()
    result: set[Endpoint] = set()
    for look in range(int(seconds / LOOK) + 1):
        now = 100 + look * LOOK
        senders = {
            key: Sender(
                received=int(rate * look * LOOK),
                asked={5: LENGTH} if asked is None else asked.get(key, {}),
                pieces=EVERYTHING if pieces is None else pieces.get(key, EVERYTHING),
                barters=barters and key == SLOW,
                held_up=held_up and key == SLOW,
            )
            for key, rate in rates.items()
        }
        result |= stragglers.look(senders, {5: due}, now, in_crowd=in_crowd)
    return result


def test_who_is_silent_or_slow_is_left_where_another_is_quick() -> None:
    # In a crowd, or where he is silent so far, or but a few times slower.
    for rates, in_crowd in [((800e3, 0.0), False), ((800e3, 5e3), True), ((100e3, 20e3), False)]:
        peers = dict(zip((QUICK, SLOW), rates, strict=True))
        before = PATIENCE_SECONDS - LOOK
        assert left(peers, seconds=before, in_crowd=in_crowd) == set()
        assert left(peers, seconds=PATIENCE_SECONDS, in_crowd=in_crowd) == {SLOW}


def test_who_is_far_slower_is_left_at_once() -> None:
    for rate in (5e3, 60e3):
        peers = {QUICK: FAR_QUICKER * rate + 1e5, SLOW: rate}
        assert left(peers, seconds=QUICK_PATIENCE_SECONDS - LOOK) == set()
        assert left(peers, seconds=QUICK_PATIENCE_SECONDS) == {SLOW}
    # Half a second for what is played now is too long only where another has it in a moment.
    wanted = {QUICK: {}, SLOW: {5: 30_000}}
    few, many = {QUICK: 3e5, SLOW: 6e4}, {QUICK: 2e6, SLOW: 6e4}
    assert left(few, seconds=5, asked=wanted, due=0.0) == set()
    assert left(many, seconds=QUICK_PATIENCE_SECONDS, asked=wanted, due=0.0) == {SLOW}


def test_who_gets_from_us_is_left_only_when_he_is_silent() -> None:
    assert left({QUICK: 800e3, SLOW: 5e3}, seconds=60, barters=True) == set()
    before = LONG_PATIENCE_SECONDS - LOOK
    assert left({QUICK: 800e3, SLOW: 0}, seconds=before, barters=True) == set()
    assert left({QUICK: 800e3, SLOW: 0}, seconds=LONG_PATIENCE_SECONDS, barters=True) == {SLOW}


def test_nobody_is_left_who_is_needed() -> None:
    assert left({SLOW: 0.0}, seconds=60) == set()
    assert left({SLOW: 0.0, THIRD: 0.0}, seconds=60) == set()
    # The quick one has something else.
    assert left({QUICK: 800e3, SLOW: 0}, seconds=60, pieces={QUICK: range(5)}) == set()


def test_nobody_is_left_for_what_he_was_not_asked_or_we_do_not_take() -> None:
    assert left({QUICK: 800e3, SLOW: 0}, seconds=60, asked={QUICK: {5: LENGTH}}) == set()
    assert left({QUICK: 800e3, SLOW: 0}, seconds=60, held_up=True) == set()


@given(st.floats(1e3, 1e7), st.lists(st.floats(1.0, 3.5), min_size=1, max_size=8))
def test_of_those_who_are_about_as_quick_nobody_is_left(rate: float, factors: list[float]) -> None:
    rates = {("192.0.2.9", port): rate * each for port, each in enumerate(factors)}
    assert left(rates, seconds=10) == set()


@given(
    st.dictionaries(
        st.tuples(st.just("192.0.2.9"), st.integers(1, 5)), st.sampled_from([0, 1e3, 1e5, 1e6])
    ),
    st.floats(0, URGENT_SECONDS),
)
def test_somebody_quick_always_stays(rates: dict[Endpoint, float], due: float) -> None:
    gone = left(rates, seconds=5, due=due)
    best = max(rates.values(), default=0)
    assert all(rates[key] < best for key in gone)


def test_who_comes_again_is_judged_sooner() -> None:
    stragglers = Stragglers()
    looks: list[int] = []
    for look in range(60):
        slow = {SLOW: Sender(received=0, asked={5: LENGTH}, pieces=EVERYTHING)}
        quick = {QUICK: Sender(received=look * 10**5, asked={}, pieces=EVERYTHING)}
        here = quick if looks[-1:] == [look - 1] else quick | slow  # away for a look
        if stragglers.look(here, {5: 1.0}, 100 + look * LOOK):
            looks.append(look)
    waits = [after - before for before, after in pairwise(looks)]
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] < waits[0] < looks[0] + 2


def test_what_was_long_ago_does_not_count() -> None:
    stragglers = Stragglers()
    senders = {
        QUICK: Sender(received=0, asked={}, pieces=EVERYTHING),
        SLOW: Sender(received=0, asked={5: LENGTH}, pieces=EVERYTHING),
    }
    stragglers.look(senders, {5: 1.0}, 100.0)
    later = senders | {QUICK: Sender(received=10**6, asked={}, pieces=EVERYTHING)}
    assert stragglers.look(later, {5: 1.0}, 200.0) == set()


def test_urgent_is_what_is_played_soon() -> None:
    pace = Pace(float(LENGTH))  # a piece lasts a second

    def pieces(head: Playhead, have: set[int]) -> dict[int, float]:
        return urgent([head], have, pieces=(0, 20), piece_length=LENGTH, pace=pace, now=50.0)

    end = 20 * LENGTH
    assert pieces(Playhead(0, end), {1}) == {0: 0.0, 2: 2.0, 3: 3.0}
    assert pieces(Playhead(0, end, empty_at=52.5), set()) == {0: 2.5, 1: 3.5}
    assert pieces(Playhead(0, end, empty_at=60.0), set()) == {}
    # A player that was given nothing yet waits now, whatever it is waited for.
    assert pieces(Playhead(0, end, empty_at=60.0, started=False), {0, 1, 2}) == {3: 3.0}
    assert pieces(Playhead(18 * LENGTH, end), set()) == {18: 0.0, 19: 1.0}
    assert pieces(Playhead(0, LENGTH), set()) == {0: 0.0}
    assert pieces(Playhead(0, end, asks=False), set()) == {}  # it is paused


@given(
    st.lists(
        st.builds(
            Playhead,
            st.integers(0, 10**9),
            st.integers(0, 10**9),
            st.floats(0, 200),
            st.booleans(),
            st.booleans(),
        ),
        max_size=3,
    ),
    st.sets(st.integers(0, 20)),
    st.sampled_from([0.0, 1.0, 5e5, float("1e300")]),
)
def test_urgent_pieces_are_missing_ones_of_the_video(
    heads: list[Playhead], have: set[int], rate: float
) -> None:
    found = urgent(heads, have, pieces=(2, 20), piece_length=1000, pace=Pace(rate), now=100.0)
    assert set(found) <= set(range(20)) - have
    assert all(0 <= due < URGENT_SECONDS for due in found.values())
