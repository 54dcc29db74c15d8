"""The lower bound: against cases that are known, and against what no scheme can beat."""

from __future__ import annotations

import math

import pytest
from bench.lab.bound import Link, Visit, lower_bound
from hypothesis import given
from hypothesis import strategies as st

SIZE = 24_000_000
HOME = Link(8, 40)

rates = st.sampled_from([0.5, 1.0, 8.0, 40.0, 100.0])
links = st.builds(Link, up=rates, down=rates)
visits = st.lists(
    st.builds(Visit, link=links, arrives=st.floats(0, 60)), min_size=1, max_size=12
).map(tuple)
origins = st.lists(links, min_size=1, max_size=3).map(tuple)
sizes = st.integers(1_000, 10**9)


@pytest.mark.parametrize(
    ("origins", "visits", "seconds"),
    [
        pytest.param((HOME,), (Visit(HOME),) * 8, 24.0, id="the origin's uplink"),
        pytest.param((Link(100, 0),), (Visit(Link(8, 12)),), 16.0, id="a downlink"),
        pytest.param((HOME,), (Visit(Link(1, 40)),) * 8, 96.0, id="all uplinks together"),
        pytest.param((HOME, HOME), (Visit(HOME),), 12.0, id="two origins"),
        pytest.param((HOME,), (Visit(HOME), Visit(HOME, 30.0)), 34.8, id="a late arrival"),
        pytest.param((Link(0, 0),), (Visit(Link(0, 0)),), 0.0, id="nothing is shaped"),
        pytest.param((HOME,), (), 0.0, id="no viewer"),
    ],
)
def test_cases(origins: tuple[Link, ...], visits: tuple[Visit, ...], seconds: float) -> None:
    assert lower_bound(SIZE, origins, visits) == pytest.approx(seconds)


@given(sizes, origins, visits)
def test_nobody_is_faster_than_its_links(
    size: int, origins: tuple[Link, ...], visits: tuple[Visit, ...]
) -> None:
    bound = lower_bound(size, origins, visits)
    assert bound * sum(link.up for link in origins) * 1e6 / 8 >= size * (1 - 1e-9)
    for visit in visits:
        assert (bound - visit.arrives) * visit.link.down * 1e6 / 8 >= size * (1 - 1e-6)
    given_in_all = sum(
        rate * 1e6 / 8 * (bound - since)
        for rate, since in [
            *((link.up, 0.0) for link in origins),
            *((visit.link.up, visit.arrives) for visit in visits),
        ]
    )
    assert given_in_all >= size * len(visits) * (1 - 1e-6)


@given(sizes, origins, visits)
def test_it_is_reached_by_one_of_the_three(
    size: int, origins: tuple[Link, ...], visits: tuple[Visit, ...]
) -> None:
    """A bit less time, and one of the three is not enough: the bound is no looser than that."""
    less = lower_bound(size, origins, visits) * (1 - 1e-6)
    up = sum(link.up for link in origins) * 1e6 / 8
    everybody = less * up + sum(
        (less - visit.arrives) * visit.link.up * 1e6 / 8 for visit in visits
    )
    assert (
        less * up < size
        or any((less - v.arrives) * v.link.down * 1e6 / 8 < size for v in visits)
        or everybody < size * len(visits)
    )


@given(sizes, origins, visits, links)
def test_one_more_origin_never_takes_longer(
    size: int, origins: tuple[Link, ...], visits: tuple[Visit, ...], more: Link
) -> None:
    before, after = (lower_bound(size, all_, visits) for all_ in (origins, (*origins, more)))
    assert after <= before or math.isclose(after, before)
