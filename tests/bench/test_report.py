"""What tables and plots say of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.lab import plots
from bench.lab.player import Viewing
from bench.lab.report import FETCHED, WATCHED, Figures
from bench.lab.trace import Trace
from bench.lab.trial import Outcome, Seen
from hypothesis import given
from hypothesis import strategies as st

BOUND, LIMIT = 24.0, 240.0

times = st.floats(0.1, LIMIT)
viewings = st.builds(Viewing, start=st.none() | times, stalls=st.lists(times, max_size=3))


def visitors(watching: bool) -> st.SearchStrategy[tuple[Seen, ...]]:
    one = st.builds(
        Seen,
        clicked=st.just(0.0),
        completed=st.none() | times,
        viewing=viewings if watching else st.none(),
    )
    return st.lists(one, min_size=1, max_size=8).map(tuple)


def runs(watching: bool) -> st.SearchStrategy[list[Outcome]]:
    one = st.builds(
        Outcome,
        bound=st.just(BOUND),
        limit=st.just(LIMIT),
        copies=st.floats(0, 9),
        seen=visitors(watching),
        trace=st.just(Trace(["origin"])),
    )
    return st.lists(one, min_size=1, max_size=5)


def outcome(*completed: float | None, viewing: Viewing | None = None) -> Outcome:
    seen = tuple(Seen(0.0, each, viewing) for each in completed)
    return Outcome(BOUND, LIMIT, 1.25, seen, Trace(["origin"]))


def test_a_run_ends_with_the_last_viewer() -> None:
    assert outcome(30.0, 48.0).ratio == 2.0
    assert Figures.of([outcome(30.0, 48.0)]).cells(watching=False) == ("1", "48.0", "2.00", "1.25")


def test_whoever_was_given_up_makes_it_more_than_the_limit() -> None:
    cells = Figures.of([outcome(30.0, None)]).cells(watching=False)
    assert cells == ("1", "> 240.0", "> 10 (50% had it)", "1.25")


def test_one_bad_run_of_three_does_not_spoil_the_median() -> None:
    figures = Figures.of([outcome(30.0), outcome(None), outcome(36.0)])
    assert (figures.ratio, figures.beyond) == (1.5, False)


def test_starts_and_stalls() -> None:
    viewing = Viewing(start=2.0, stalls=[1.0, 0.5])
    cells = Figures.of([outcome(30.0, 30.0, viewing=viewing)]).cells(watching=True)
    assert cells[-2:] == ("2.0 s, 2.0 s", "3.0 s in all")
    never = Figures.of([outcome(None, viewing=Viewing())]).cells(watching=True)
    assert never[-2:] == ("never, never", "0.0 s in all")


@given(runs(watching=False))
def test_a_row_of_what_was_fetched_has_a_cell_per_column(outcomes: list[Outcome]) -> None:
    figures = Figures.of(outcomes)
    assert len(figures.cells(watching=False)) == len(FETCHED) - 1
    assert len(figures.cells(watching=True)) == len(WATCHED) - 1
    assert min(each.ratio for each in outcomes) <= figures.ratio
    assert figures.ratio <= max(each.ratio for each in outcomes)


@given(runs(watching=True))
def test_a_row_of_what_was_watched_has_a_cell_per_column(outcomes: list[Outcome]) -> None:
    figures = Figures.of(outcomes)
    cells = figures.cells(watching=True)
    assert len(cells) == len(WATCHED) - 1
    assert "nan" not in " ".join(cells)
    assert "inf" not in " ".join(cells)
    assert figures.start_median <= figures.start_last


def test_rates_of_a_trace() -> None:
    trace = Trace(["origin"], [1.0, 3.0], [[1_000_000], [1_000_000]], [[0], [0]])
    assert trace.rates(0) == [pytest.approx(8.0), pytest.approx(4.0)]
    assert len(trace.lines()) == 3


def test_plots_are_small_files(tmp_path: Path) -> None:
    names = [f"program {n}" for n in range(6)]
    trace = Trace(["origin"], [float(n) for n in range(1, 241)])
    trace.sent = trace.received = [[n * 7_919 % 1_000_000] for n in range(240)]
    viewing = Viewing(start=2.0, stalls=[1.0])
    one = Outcome(BOUND, LIMIT, 1.25, (Seen(0.0, 30.0, viewing), Seen(0.0, None, Viewing())), trace)
    drawn = plots.draw(
        "lab.test",
        "A test",
        {name: Figures.of([one]) for name in names},
        dict.fromkeys(names, one),
        tmp_path,
    )
    drawn.append(plots.waits(tmp_path / "waits.png", "Waits", {"a": [0.5, float("inf")], "b": []}))
    assert [plot.path.name for plot in drawn] == ["lab-test.png", "lab-test-time.png", "waits.png"]
    for plot in drawn:
        assert plot.path.read_bytes()[:4] == b"\x89PNG"
        assert plot.path.stat().st_size < 80_000
