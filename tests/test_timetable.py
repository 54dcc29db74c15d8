"""Limits at some hours of some days: what is written, when it holds, and when that changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput
from p2ptube.timetable import MOST_RATE, Entry, Timetable, parse_line

MONDAY = datetime(2026, 11, 23)
rates = st.none() | st.integers(0, MOST_RATE)
entries = st.builds(
    Entry,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1440),
    rates,
    rates,
).filter(lambda entry: entry.up is not None or entry.down is not None)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31))


@given(entries)
def test_what_is_written_is_read(entry: Entry) -> None:
    assert Entry.parse(str(entry)) == entry
    assert parse_line(str(entry)) == str(entry)


@given(st.text(max_size=60) | st.from_regex(r"[a-z,-]{3,9} \d\d:\d\d-\d\d:\d\d (up|down)=\w+"))
def test_any_text_is_an_entry_or_refused(text: str) -> None:
    try:
        entry = Entry.parse(text)
    except InvalidInput:
        return
    assert Entry.parse(str(entry)) == entry


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("mon-fri 8:00-18:00 up=1000kB/s", "weekdays 08:00-18:00 up=1MB/s"),
        ("22:00-06:00 down=unlimited up=8Mbit/s", "daily 22:00-06:00 up=1MB/s down=unlimited"),
        ("SAT,SUN 00:00-24:00 up=0.5MB/s", "weekend 00:00-24:00 up=500kB/s"),
        ("fri-mon 10:00-11:00 up=7", "mon,fri,sat,sun 10:00-11:00 up=7B/s"),
    ],
)
def test_ways_to_say_it(text: str, usual: str) -> None:
    assert parse_line(text) == usual


@pytest.mark.parametrize(
    "text",
    [
        *("", "mon", "mon 08:00-18:00", "mon 8-18 up=1MB/s", "moon 08:00-18:00 up=1MB/s"),
        *("mon 24:00-25:00 up=1MB/s", "mon 08:60-09:00 up=1MB/s", "mon 08:00-18:00 up=fast"),
        *("mon 08:00-18:00 up=1MB/s up=2MB/s", "mon 08:00-18:00 left=1MB/s"),
        *("mon 08:00-18:00 up=-1", "mon 08:00-18:00 up=9999GB/s", "mon 08:00-18:00 up=1furlong"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Entry.parse(text)


@pytest.mark.parametrize(
    ("hours", "limits"),
    [
        (7.99, (5, 9)),
        (8, (1_000_000, 9)),
        (17.99, (1_000_000, 9)),
        (18, (5, 9)),
        (23, (0, 2_000_000)),
        (24 + 5, (0, 2_000_000)),
        (24 + 6, (5, 9)),
        (-1, (5, 9)),  # Sunday night is none of Monday's
    ],
)
def test_when_it_holds(hours: float, limits: tuple[int, int]) -> None:
    table = Timetable(["mon 08:00-18:00 up=1MB/s", "mon 22:00-06:00 up=unlimited down=2MB/s"])
    assert table.limits(MONDAY + timedelta(hours=hours), up=5, down=9) == limits


def test_a_later_entry_takes_precedence_in_what_it_names() -> None:
    table = Timetable(["daily 00:00-24:00 up=1MB/s down=2MB/s", "mon 00:00-24:00 up=3MB/s"])
    assert table.limits(MONDAY, up=0, down=0) == (3_000_000, 2_000_000)


@given(st.lists(entries, max_size=4), moments)
def test_nothing_changes_before_the_next_change(several: list[Entry], moment: datetime) -> None:
    table = Timetable(map(str, several))
    change = table.next_change(moment)
    assert (change is None) == (not several)
    if change is None:
        return
    assume(change - moment > timedelta(minutes=1))
    held = table.limits(moment, up=5, down=9)
    assert moment < change <= moment + timedelta(days=8)
    for part in (0.1, 0.5, 0.9):
        between = moment + (change - moment) * part
        assert table.limits(between, up=5, down=9) == held
