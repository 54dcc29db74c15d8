"""Random swarms for the simulation, as hypothesis strategies."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st
from tests.swarm.simulated_players import NEVER, Member, Plan, Watch

SEEDS = st.integers(0, 2**32)
BIT_RATES = st.sampled_from([2.0, 3.0, 4.0, 5.7, 8.0])
TENTHS = st.integers(0, 100).map(lambda tenths: tenths / 10)


@st.composite
def watches(draw: st.DrawFn, pieces: int) -> Watch:
    """Players that start somewhere, pause, seek to and fro, and end."""
    begins = draw(TENTHS)
    pauses = draw(st.lists(st.tuples(TENTHS, TENTHS), max_size=2))
    seeks = draw(st.lists(st.tuples(TENTHS, st.integers(0, pieces - 1)), max_size=2))
    return Watch(
        begins=begins,
        piece=draw(st.just(0) | st.integers(0, pieces - 1)),
        ends=begins + draw(st.just(NEVER) | TENTHS),
        pauses=tuple((begins + since, begins + since + length) for since, length in pauses),
        seeks=tuple((begins + at, piece) for at, piece in seeks),
        ahead=draw(st.sampled_from([8.0, 20.0, NEVER])),
    )


@st.composite
def viewers(draw: st.DrawFn, pieces: int, bit_rate: float) -> Member:
    """Viewers who come and go; an uplink in eight is slow."""
    comes = draw(st.just(0.0) | TENTHS)
    up = draw(st.sampled_from([2.0, 1.0, 3.0, 5.0, 0.25]))
    return Member(
        up=up * bit_rate,
        down=draw(st.sampled_from([10.0, 5.0, 2.0, 1.0])) * bit_rate,
        comes=comes,
        leaves=comes + draw(st.sampled_from([NEVER, NEVER, NEVER, 3.0, 8.0])),
        watches=tuple(draw(st.lists(watches(pieces), max_size=2))),
    )


@st.composite
def any_swarms(draw: st.DrawFn) -> Plan:
    """Whatever may happen, but that all pieces are lost: the first origin comes back."""
    pieces, bit_rate = draw(st.integers(20, 45)), draw(BIT_RATES)
    gone, length = draw(st.tuples(TENTHS, TENTHS))
    origins = [
        Member(
            up=draw(st.sampled_from([2.0, 4.0, 1.0, 0.5])) * bit_rate,
            origin=True,
            away=(gone, gone + length),
        )
    ]
    if draw(st.booleans()):
        origins.append(Member(up=draw(st.sampled_from([2.0, 0.25])) * bit_rate, origin=True))
    crowd = draw(st.lists(viewers(pieces, bit_rate), min_size=1, max_size=8))
    return Plan(pieces, bit_rate, (*origins, *crowd), draw(SEEDS))


@st.composite
def flash_crowds(
    draw: st.DrawFn, least: int = 3, up: float = 2.0, down: float = 4.0, seconds: int = 5
) -> Plan:
    """One origin, and viewers who all come at once, watch from the beginning, and stay.

    All have `up` times the bit rate or more, and `down` times; the video lasts so many seconds or
    more.
    """
    bit_rate = draw(BIT_RATES)
    pieces = draw(st.integers(max(20, int(seconds * bit_rate)), 60))
    size = draw(st.integers(least, 8))
    ups = st.integers(0, 30).map(lambda more: (up + more / 10) * bit_rate)
    origin = Member(up=draw(ups), origin=True)
    crowd = [
        Member(up=draw(ups), down=(down + draw(st.integers(0, 6))) * bit_rate, watches=(Watch(),))
        for _ in range(size)
    ]
    return Plan(pieces, bit_rate, (origin, *crowd), draw(SEEDS))


@st.composite
def viewers_alone(draw: st.DrawFn, watch: st.SearchStrategy[Watch], least: float = 1.3) -> Plan:
    """One viewer and one holder, with that many times the bit rate or more; 30 pieces or more."""
    bit_rate = draw(BIT_RATES)
    rates = st.sampled_from([least, least + 1, least + 8]).map(lambda times: times * bit_rate)
    origin = Member(up=draw(rates), origin=True)
    viewer = Member(up=bit_rate, down=draw(rates), watches=(draw(watch),))
    return Plan(draw(st.integers(30, 60)), bit_rate, (origin, viewer), draw(SEEDS))


def with_last(plan: Plan, *watch: Watch) -> Plan:
    """The same swarm, but its last viewer watches that."""
    *others, last = plan.members
    return dataclasses.replace(plan, members=(*others, dataclasses.replace(last, watches=watch)))
