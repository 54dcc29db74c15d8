"""Whether our lane is too much for our line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.lanes import Lane
from p2ptube.swarm.relaying import FEWEST_PIECES, SECONDS, TIMES, Relaying, backlog

LINE = 125_000.0
TOO_MUCH = TIMES * LINE + 1


@given(st.integers(1, 60), st.integers(1, 9), st.data())
def test_a_piece_of_ours_waits_until_half_of_the_others_have_it(
    count: int, size: int, data: st.DataObject
) -> None:
    rank = data.draw(st.integers(0, size - 1))
    first = data.draw(st.integers(0, 5))
    held = data.draw(st.lists(st.integers(0, 9), min_size=first + count, max_size=first + count))
    have = data.draw(st.sets(st.integers(0, first + count - 1)))

    waiting = backlog((first, first + count), have, held, Lane(rank, size))

    ours = {piece for piece in have if piece >= first and (piece - first) % size == rank}
    assert waiting == len({piece for piece in ours if held[piece] < (size - 1) / 2})


def test_who_cannot_pass_it_on_leaves_his_lane_after_a_while() -> None:
    relaying = Relaying()

    assert not relaying.falls_behind(FEWEST_PIECES, needed=TOO_MUCH, line=LINE, now=10)
    assert not relaying.falls_behind(
        FEWEST_PIECES, needed=TOO_MUCH, line=LINE, now=10 + SECONDS - 0.1
    )
    assert relaying.falls_behind(FEWEST_PIECES, needed=TOO_MUCH, line=LINE, now=10 + SECONDS)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, FEWEST_PIECES - 1), st.just(TOO_MUCH), st.just(LINE)),
            st.tuples(st.integers(0, 99), st.floats(0, TIMES * LINE), st.just(LINE)),
            st.tuples(st.integers(0, 99), st.floats(0, 1e9), st.just(0.0)),
        ),
        min_size=1,
    )
)
def test_who_keeps_up_or_knows_nothing_of_his_line_never_does(
    looks: list[tuple[int, float, float]],
) -> None:
    relaying = Relaying()
    for now, (waiting, needed, line) in enumerate(looks):
        assert not relaying.falls_behind(waiting, needed=needed, line=line, now=10.0 * now)
        # A moment in which it is too much is not enough, either.
        assert not relaying.falls_behind(99, needed=TOO_MUCH, line=LINE, now=10.0 * now + 1)
