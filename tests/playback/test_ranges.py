from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.playback.ranges import (
    Range,
    Unsatisfiable,
    if_match,
    if_none_match,
    if_range_matches,
    parse_range,
)

SIZE = 1000
WHOLE = None
NOTHING = Unsatisfiable(SIZE)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        # one range
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=0-0", (0, 1)),
        ("bytes=999-999", (999, 1000)),
        ("bytes=500-", (500, 1000)),
        ("bytes=0-", (0, 1000)),
        ("bytes=-500", (500, 1000)),
        ("bytes=-1", (999, 1000)),
        ("bytes=-1000", (0, 1000)),
        ("bytes=007-0009", (7, 10)),
        # beyond the end
        ("bytes=900-5000", (900, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=0-99999999999999999999999999", (0, 1000)),
        ("bytes=-99999999999999999999999999", (0, 1000)),
        ("bytes=1000-", NOTHING),
        ("bytes=1000-2000", NOTHING),
        ("bytes=99999999999999999999999999-", NOTHING),
        ("bytes=-0", NOTHING),
        ("bytes=-0,1000-", NOTHING),
        # white space and the unit's case
        ("Bytes=0-1", (0, 2)),
        ("bytes= 0-1", (0, 2)),
        ("bytes=0-1 \t", (0, 2)),
        ("bytes=, ,0-1,,", (0, 2)),
        # several ranges
        ("bytes=0-1,2-3", (0, 4)),
        ("bytes=5-9, 0-4", (0, 10)),
        ("bytes=0-99,50-149", (0, 150)),
        ("bytes=0-99,10-19", (0, 100)),
        ("bytes=0-9,2000-", (0, 10)),
        ("bytes=0-9,-0", (0, 10)),
        ("bytes=0-0,-1", WHOLE),
        ("bytes=0-1,3-4", WHOLE),
        ("bytes=" + ",".join(["0-1"] * 100), WHOLE),
        # to be ignored
        (None, WHOLE),
        ("", WHOLE),
        ("bytes", WHOLE),
        ("bytes=", WHOLE),
        ("bytes=,", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=5-4", WHOLE),
        ("bytes=0-1,5-4", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=0-b", WHOLE),
        ("bytes=0", WHOLE),
        ("bytes=+1-2", WHOLE),
        ("bytes=1 -2", WHOLE),
        ("bytes=1- 2", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=0x1-2", WHOLE),
        ("bytes=1_0-20", WHOLE),
        ("bytes=٣-٤", WHOLE),
        ("bytes=0-1;2-3", WHOLE),
        ("bytes 0-1", WHOLE),
        ("items=0-1", WHOLE),
        ("bytes=" + "9" * 5000 + "-", WHOLE),
        ("bytes=0-1, bytes=2-3", WHOLE),
    ],
)
def test_table(header: str | None, expected: tuple[int, int] | Unsatisfiable | None) -> None:
    wanted = Range(*expected, SIZE) if isinstance(expected, tuple) else expected
    assert parse_range(header, SIZE) == wanted


def test_empty_content() -> None:
    assert parse_range("bytes=0-", 0) == Unsatisfiable(0)
    assert parse_range("bytes=-1", 0) is None
    assert parse_range("bytes=-0", 0) == Unsatisfiable(0)


def test_content_range() -> None:
    assert Range(0, 500, SIZE).content_range == "bytes 0-499/1000"
    assert Unsatisfiable(SIZE).content_range == "bytes */1000"


@given(
    header=st.text() | st.text("bytes=0123456789-, ").map("bytes={}".format), size=st.integers(0)
)
def test_anything_is_answered_within_the_content(header: str, size: int) -> None:
    answer = parse_range(header, size)
    if isinstance(answer, Range):
        assert 0 <= answer.start < answer.end <= size == answer.size


@given(data=st.binary(max_size=50), first=st.integers(0, 60), last=st.integers(0, 60))
def test_a_range_is_what_slicing_gives(data: bytes, first: int, last: int) -> None:
    def got(header: str) -> bytes | Unsatisfiable | None:
        answer = parse_range(header, len(data))
        return data[answer.start : answer.end] if isinstance(answer, Range) else answer

    nothing = Unsatisfiable(len(data))
    if first <= last:
        assert got(f"bytes={first}-{last}") == (data[first : last + 1] or nothing)
    assert got(f"bytes={first}-") == (data[first:] or nothing)
    if last and data:
        assert got(f"bytes=-{last}") == data[-last:]


@given(
    data=st.binary(min_size=1, max_size=30),
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), min_size=1, max_size=5),
)
def test_joined_ranges_hold_exactly_what_was_asked(
    data: bytes, spans: list[tuple[int, int]]
) -> None:
    wanted = {i for first, more in spans for i in range(first, first + more + 1) if i < len(data)}
    header = "bytes=" + ",".join(f"{first}-{first + more}" for first, more in spans)
    answer = parse_range(header, len(data))
    if not wanted:
        assert answer == Unsatisfiable(len(data))
    elif max(wanted) - min(wanted) + 1 == len(wanted):
        assert answer == Range(min(wanted), max(wanted) + 1, len(data))
    else:
        assert answer is None


DATE = "Tue, 15 Nov 1994 12:45:26 GMT"


@pytest.mark.parametrize(
    ("header", "etag", "date", "matches"),
    [
        ('"a"', '"a"', None, True),
        (' "a" ', '"a"', None, True),
        ('"b"', '"a"', None, False),
        ('W/"a"', '"a"', None, False),
        ('W/"a"', 'W/"a"', None, False),
        ('"a"', 'W/"a"', None, False),
        ("a", '"a"', None, False),
        ("", '"a"', None, False),
        ("*", '"a"', None, False),
        ('"a", "b"', '"a"', None, False),
        (DATE, '"a"', DATE, True),
        (DATE, '"a"', None, False),
        ("Tue, 15 Nov 1994 12:45:27 GMT", '"a"', DATE, False),
    ],
)
def test_if_range(header: str, etag: str, date: str | None, matches: bool) -> None:
    assert if_range_matches(header, etag, date) is matches


@pytest.mark.parametrize(
    ("header", "matched", "strongly"),
    [
        ('"a"', True, True),
        ("*", True, True),
        ('W/"a"', True, False),
        ('"b", "a"', True, True),
        ('"b",W/"a" ,', True, False),
        (', "a"', True, True),
        ('"b"', False, False),
        ('"x,"a",y"', False, False),
        ('"a', False, False),
        ("a", False, False),
        ("", False, False),
        ('w/"a"', False, False),
    ],
)
def test_entity_tag_lists(header: str, matched: bool, strongly: bool) -> None:
    assert if_none_match(header, '"a"') is not matched
    assert if_match(header, '"a"') is strongly


def test_a_comma_in_a_tag() -> None:
    assert if_match('"x", "a,b"', '"a,b"')
    assert not if_match('"a,b"', '"a"')


@given(st.text())
def test_any_tag_list_is_answered(header: str) -> None:
    if_match(header, '"a"')
    if_none_match(header, '"a"')
    if_range_matches(header, '"a"', None)


def test_a_long_tag_list_takes_no_time() -> None:
    assert not if_match('"a",' * 5000 + "!", '"b"')
    assert not if_match(" ," * 20_000 + "!", '"b"')
