"""How leechers share out what few seeds have. In simulated swarms: see test_crowd.py."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.lanes import (
    COMMON,
    HELD_LATER,
    HELD_SOON,
    LATER,
    NONE,
    RESCUE_SECONDS,
    SOON,
    Lane,
    Swarm,
    shared,
)
from p2ptube.swarm.pace import Pace
from p2ptube.swarm.schedule import NEVER, NEXT, USUAL, Playhead

LENGTH = 1000


def swarm(
    have: set[int], held: list[int], rate: float = 1000.0, *, lane_rate: float = 0.0
) -> Swarm:
    return Swarm(
        pieces=(0, len(held)),
        piece_length=LENGTH,
        pace=Pace(rate),
        have=have,
        held=held,
        lane_rate=lane_rate,
    )


@given(st.integers(2, 64), st.integers(0, 100_000))
def test_every_piece_has_one_owner_and_one_helper(size: int, number: int) -> None:
    lanes = [Lane(rank, size) for rank in range(size)]

    owners = [lane.rank for lane in lanes if lane.owns(number)]
    helpers = [lane.rank for lane in lanes if lane.helps(number)]

    assert len(owners) == len(helpers) == 1
    assert owners != helpers


def test_our_lane_comes_first_and_in_order() -> None:
    shares = shared([Playhead(0, 100 * LENGTH)], swarm(set(), [0] * 100), Lane(1, 4), 0)

    ours = [shares.priorities[piece] for piece in range(1, 100, 4)]
    assert ours == [NEXT, SOON, *[LATER] * (len(ours) - 2)]
    # The pieces of others are late, but our own are no better.
    assert {shares.priorities[p] for p in range(100) if p % 4 != 1} == {USUAL}
    assert shares.deadlines == {}


@given(st.floats(0, 1000))
def test_what_is_asked_for_in_advance_has_ranks_of_its_own(rate: float) -> None:
    known = swarm(set(), [0] * 100, lane_rate=rate)

    shares = shared([], known, Lane(1, 4), 0)

    ours = [shares.priorities[piece] for piece in range(1, 100, 4)]
    in_advance = 1 + int(rate)
    assert ours == ([NEXT] * in_advance + [SOON] * in_advance + [LATER] * 25)[:25]


def test_what_others_have_is_asked_of_them_and_soon_of_several() -> None:
    held = [1 if piece % 2 else 0 for piece in range(20)]
    head = Playhead(0, 20 * LENGTH, empty_at=100.0)

    shares = shared([head], swarm(set(), held), Lane(0, 4), now=100.0)

    assert shares.priorities[1] == HELD_SOON
    assert {shares.priorities[p] for p in (3, 5, 7, 9)} == {HELD_LATER}
    assert shares.priorities[11] == USUAL  # beyond the window
    assert set(shares.deadlines) == set()  # the first of them is played in a second
    for started in (True, False):
        head = Playhead(0, 20 * LENGTH, empty_at=100.0, started=started)
        asked = shared([head], swarm(set(), [COMMON] * 20), Lane(0, 8), now=100.0).priorities
        assert [asked[p] for p in range(4)] == [NEXT, HELD_SOON, HELD_SOON, HELD_LATER]
    waiting = Playhead(0, 20 * LENGTH, empty_at=110.0, started=False)
    asked = shared([waiting], swarm(set(), [COMMON] * 20), Lane(0, 8), now=100.0).priorities
    assert [asked[p] for p in range(2)] == [NEXT, HELD_LATER]
    assert shared([head], swarm(set(), held), Lane(0, 2), now=100.0).priorities[1] == NEXT  # all do
    # What somebody has of our own lane is no task of ours any more.
    assert shared([head], swarm(set(), held), Lane(1, 4), now=100.0).priorities[5] == HELD_LATER
    late = shared([Playhead(500, 20 * LENGTH)], swarm({0}, held), Lane(0, 2), now=0.0)
    assert list(late.deadlines) == [1]
    assert 0 <= late.deadlines[1] < 1000 * RESCUE_SECONDS
    # Of several that are played soon the first, of each player.
    dense = swarm(set(), [COMMON] * 100, rate=10 * LENGTH)
    two = [Playhead(0, 100 * LENGTH), Playhead(50 * LENGTH, 100 * LENGTH)]
    assert set(shared(two, dense, Lane(0, 8), now=0.0).deadlines) == {0, 50}


def test_who_has_no_lane_asks_for_what_others_have() -> None:
    held = [1 if piece % 2 else 0 for piece in range(40)]
    head = Playhead(0, 40 * LENGTH, empty_at=100.0)

    fetched = shared([], swarm(set(), held), Lane(NONE, 4), 0).priorities
    watched = shared([head], swarm(set(), held), Lane(NONE, 4), now=100.0).priorities

    assert {fetched[piece] for piece in range(0, 40, 2)} == {NEVER}
    assert {fetched[piece] for piece in range(1, 40, 2)} == {USUAL}
    assert watched[0] == NEXT  # it is played now, and nobody has it
    assert watched[8] == NEVER
    # When there is nothing else to get, even he asks the seeds.
    alone = shared([], swarm(set(range(1, 40, 2)), held), Lane(NONE, 4), 0).priorities
    assert set(alone.values()) == {USUAL}


def test_a_paused_player_hurries_nobody() -> None:
    paused = Playhead(0, 40 * LENGTH, empty_at=0.0, asks=False)
    well_ahead = swarm(set(range(0, 38, 2)), [0] * 40)
    held = swarm(set(), [COMMON] * 40)

    alone = shared([paused], well_ahead, Lane(0, 2), now=60.0)
    common = shared([paused], held, Lane(0, 8), now=60.0)

    assert {alone.priorities[piece] for piece in range(1, 38, 2)} == {USUAL}
    assert {common.priorities[piece] for piece in range(10)} == {HELD_LATER}
    assert alone.deadlines == common.deadlines == {}


def test_who_is_well_ahead_helps_and_asks_for_what_is_urgent() -> None:
    have = set(range(0, 38, 2))  # our lane but its last piece
    head = Playhead(0, 40 * LENGTH, empty_at=0.0)

    shares = shared([head], swarm(have, [0] * 40), Lane(0, 2), now=0.0)

    assert shares.priorities[1] == NEXT  # due in 1 s
    assert shares.priorities[5] >= LATER
    assert shares.priorities[38] == SOON  # ours gives way to what is late
    assert shares.priorities[39] == USUAL  # in 39 s
    ahead = Playhead(0, 40 * LENGTH, empty_at=10.0)
    assert shared([ahead], swarm(have, [0] * 40), Lane(0, 2), now=0.0).priorities[38] == NEXT


def test_a_second_of_a_dense_scene_is_more_pieces_than_one_of_a_quiet_scene() -> None:
    quiet, dense = 10, 100  # pieces: one a second, then ten
    index = [(float(piece), piece * LENGTH) for piece in range(quiet)]
    index += [(10 + piece / 10, (quiet + piece) * LENGTH) for piece in range(dense)]
    end = (quiet + dense) * LENGTH
    pace = Pace.of_index(end, 20.0, index, begins=0)

    def asked(first: int, by: Pace) -> list[int]:
        """The priorities of what is ahead of a playhead: every other piece, which many have."""
        known = swarm(set(range(1, quiet + dense, 2)), [COMMON] * (quiet + dense))
        head = Playhead(first * LENGTH, end, empty_at=100.0)
        order = shared([head], replace(known, pace=by), Lane(0, 8), now=100.0).priorities
        return [order[piece] for piece in range(first, quiet + dense, 2)]

    # A second of it is asked for at once, of those of the next three; ten are the window.
    in_quiet = asked(0, pace)
    assert in_quiet[:5] == [NEXT, HELD_SOON, *[HELD_LATER] * 3]
    in_dense = asked(quiet, pace)
    assert in_dense[:9] == [NEXT] * 9
    assert in_dense[11:14] == [HELD_SOON] * 3
    assert in_dense[16:49] == [HELD_LATER] * 33
    by_mean = asked(quiet, Pace(pace.rate))
    assert by_mean.count(NEXT) == 6
    assert by_mean[-20:] == [USUAL] * 20


@given(
    st.integers(1, 60),
    st.integers(2, 9),
    st.data(),
)
def test_it_speaks_of_missing_pieces_only(pieces: int, size: int, data: st.DataObject) -> None:
    have = data.draw(st.sets(st.integers(0, pieces - 1)))
    held = data.draw(st.lists(st.integers(0, 9), min_size=pieces, max_size=pieces))
    rank = data.draw(st.integers(0, size - 1))
    heads = data.draw(
        st.lists(
            st.builds(
                Playhead,
                st.integers(0, pieces * LENGTH - 1),
                st.just(pieces * LENGTH),
                st.floats(0, 100),
            ),
            max_size=3,
        )
    )
    rate = data.draw(st.sampled_from([0.0, 1.0, 5000.0, 1e12, float("1e300")]))

    shares = shared(heads, swarm(have, held, rate), Lane(rank, size), now=50.0)

    assert set(shares.priorities) == set(range(pieces)) - have
    assert set(shares.priorities.values()) <= {
        *(USUAL, HELD_LATER, HELD_SOON, LATER, SOON, NEXT),
    }
    assert set(shares.deadlines) <= {p for p in range(pieces) if held[p]} - have
    assert all(0 <= due <= 1000 * RESCUE_SECONDS for due in shares.deadlines.values())
