"""How many peers to upload to at the same time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.swarm.slots import FEWEST, SLOT_RATE, USUAL, Slots, upload_slots

lines = st.floats(1, 1e9)


@given(lines)
def test_each_slot_is_worth_having_and_two_are_kept(line: float) -> None:
    slots = upload_slots(line)

    assert FEWEST <= slots <= USUAL
    assert slots == FEWEST or line / slots >= SLOT_RATE
    assert slots == USUAL or line / (slots + 1) < SLOT_RATE


def test_a_line_that_is_not_known_has_as_many_as_usual() -> None:
    assert upload_slots(0) == USUAL


@given(st.lists(st.one_of(st.just(0.0), lines), min_size=2))
def test_one_low_look_alone_takes_no_slot_away(looks: list[float]) -> None:
    slots = Slots()
    counts = [slots.look(line) for line in looks]
    wanted = [USUAL, *map(upload_slots, looks)]
    assert counts == [max(pair) for pair in pairwise(wanted)]
