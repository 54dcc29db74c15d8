"""How fast to upload, on simulated lines: alone they are filled, beside others they are left."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.swarm.lines import Flow, Line

from p2ptube.swarm.yielding import LEAST_RATE, Sample, Yielding

rates = st.floats(100_000, 12_500_000)  # bytes/s: 0.8 to 100 Mbit/s
bases = st.floats(0.001, 0.1)
rooms = st.floats(0.08, 0.5)
few = settings(max_examples=15, deadline=None)


@few
@given(rates, bases, rooms)
def test_alone_it_fills_the_line_and_keeps_the_queue_short(
    rate: float, base: float, room: float
) -> None:
    line = Line(rate, base, room)
    line.run(12)
    before = line.delivered
    line.waits.clear()
    line.run(10)
    assert line.delivered - before >= 0.9 * rate * 10
    assert statistics.fmean(line.waits) < 0.05


@few
# On a longer and faster line it takes the other flow minutes to grow into what is left to it.
@given(st.floats(100_000, 2_500_000), st.floats(0.001, 0.03), st.floats(0.08, 0.3))
def test_a_flow_keeps_most_of_what_it_has_alone(rate: float, base: float, room: float) -> None:
    alone = Line(rate, base, room)
    alone.run(30, Flow(), uploading=False)
    line, flow = Line(rate, base, room), Flow()
    line.run(10)
    # A loss-based flow grows by a packet per round trip: on a long, fast line that takes its time.
    line.run(20, flow)
    before = line.foreign
    line.run(20, flow)
    assert (line.foreign - before) / 20 >= 0.85 * alone.foreign / 30
    assert line.control.limit >= LEAST_RATE  # and we are not starved


@few
@given(rates, bases)
def test_once_the_line_is_free_it_is_ours_again(rate: float, base: float) -> None:
    line = Line(rate, base, 0.15)
    line.run(10)
    line.run(10, Flow())
    line.run(15)
    before = line.delivered
    line.run(10)
    assert line.delivered - before >= 0.85 * rate * 10


def test_without_yielding_the_same_line_is_full() -> None:
    line = Line(1_000_000, 0.01, 0.1, yields=False)
    line.run(10, Flow())
    assert statistics.fmean(line.waits[-500:]) > 0.08


@given(st.floats(0.0001, 1.0), st.integers(1000, 10**9))
def test_where_nothing_waits_there_is_no_limit(rtt: float, rate: int) -> None:
    control = Yielding()
    for number in range(100):
        now = number / 10
        delivered = number * rate // 10
        assert control.step(now, [Sample("a", rtt, rtt, delivered, 0, number)]) == 0
    assert control.delay == pytest.approx(0, abs=1e-9)


@given(st.floats(0.04, 1.0), st.integers(1000, 10**6))
def test_where_nothing_is_left_to_be_sent_it_is_not_our_queue(wait: float, rate: int) -> None:
    """The answers of a peer whose own line is full come late, too."""
    control = Yielding()
    for number in range(100):
        now, delivered = number / 10, number * rate // 10
        assert control.step(now, [Sample("a", 0.01 + wait, 0.01, delivered, 0, number)]) == 0
    assert control.delay == pytest.approx(wait)


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=30))
def test_without_connections_that_deliver_nothing_is_known(steps: list[list[int]]) -> None:
    control = Yielding()
    for number, keys in enumerate(steps):
        samples = [Sample(key, 0.5, 0.1, 0, 0, number) for key in keys]
        assert control.step(number / 10, samples) == 0
        assert control.delay is None


samples = st.builds(
    Sample,
    st.integers(0, 3),
    st.floats(1e-6, 100),
    st.floats(0, 100),
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
)


steps = st.tuples(st.floats(0.001, 100), st.lists(samples, max_size=3), st.floats(0, 1e9))


@settings(max_examples=50, deadline=None)
@given(st.lists(steps, max_size=12))
def test_whatever_comes_the_limit_is_one(
    steps: list[tuple[float, list[Sample], float]],
) -> None:
    control, now = Yielding(), 0.0
    for spent, seen, elsewhere in steps:
        now += spent
        limit = control.step(now, seen, elsewhere)
        assert limit == 0 or limit >= LEAST_RATE // 2
        assert control.delay is None or control.delay >= 0


def test_what_is_uploaded_elsewhere_counts() -> None:
    """Over uTP and WebRTC, of which there are no samples."""
    control = Yielding()
    for number in range(30):
        wait = 0.2 if number > 5 else 0.0
        sample = Sample("a", 0.01 + wait, 0.01, number * 10_000, 0, number * 10, waiting=1)
        control.step(number / 10, [sample], 900_000)
    assert control.rate > 900_000
    assert control.limit > LEAST_RATE


def test_what_was_learned_is_forgotten_after_a_while() -> None:
    line = Line(1_000_000, 0.01, 0.1)
    line.run(5)
    assert line.control.limit
    assert line.control.step(line.now + 100, []) == 0


@given(st.floats(0.05, 1.0), st.floats(0.0001, 0.02))
def test_a_packet_that_was_faster_than_the_wait_has_not_waited(wait: float, rtt: float) -> None:
    """It was the line of the first peer that was full, where its answers waited."""
    control = Yielding()
    for number in range(20):
        far = Sample("far", wait, 0.0001, number * 50_000, 0, number, 50_000)
        control.step(number / 10, [far])
    assert control.limit
    for number in range(20, 23):
        far = Sample("far", wait, 0.0001, number * 50_000, 0, number, 50_000)
        near = Sample("near", rtt, rtt, (number - 19) * 50_000, 0, number, 50_000)
        control.step(number / 10, [far, near])
    assert control.delay is not None
    assert 0 <= control.delay <= rtt + 1e-9
