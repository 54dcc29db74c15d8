"""What is fetched ahead, and when: pure."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clips import make_clip

from p2ptube.node import prefetch_plan as plan

sizes = st.integers(1, 1 << 42)


def box(kind: bytes, size: int) -> bytes:
    return size.to_bytes(4, "big") + kind + bytes(max(0, min(size, 64) - 8))


@given(sizes, st.floats(0, 1e9))
def test_the_head_is_bounded_whatever_a_stranger_says(size: int, duration: float) -> None:
    head = plan.head_length(size, duration)
    assert 0 < head <= min(size, plan.MOST_HEAD)
    assert head >= min(size, plan.LEAST_HEAD)


def test_the_head_holds_three_seconds() -> None:
    assert plan.head_length(60_000_000, 300) == 600_000
    assert plan.head_length(600_000_000, 3) == plan.MOST_HEAD
    assert plan.head_length(60_000_000, 0) == 3 * plan.USUAL_BYTES_PER_SECOND


@given(st.binary(max_size=200), sizes, st.floats(0, 1e6))
def test_ranges_are_inside_the_file(beginning: bytes, size: int, duration: float) -> None:
    head = plan.head_length(size, duration)
    wanted = plan.ranges(beginning, size, head)
    assert wanted[0][0] == 0
    assert wanted[0][1] >= head
    assert all(0 <= start < end <= size for start, end in wanted)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(wanted))
    assert sum(end - start for start, end in wanted) <= plan.MOST_BYTES


@pytest.mark.parametrize(
    ("beginning", "wanted"),
    [
        (box(b"ftyp", 32) + box(b"moov", 50_000), ((0, 650_032),)),
        (box(b"ftyp", 32) + box(b"moov", 100_000_000), ((0, plan.MOST_BYTES),)),
        # The index is behind the media.
        (box(b"ftyp", 32) + box(b"mdat", 9_000_000), ((0, 600_000), (9_000_032, 10_000_000))),
        (box(b"ftyp", 32) + box(b"mdat", 5_000_000)[:16], ((0, 600_000), (5_000_032, 8_594_336))),
        # It reaches to the end of the file, or beyond.
        (box(b"ftyp", 32) + box(b"mdat", 0), ((0, 600_000), (9_999_999, 10_000_000))),
        (b"\x1aE\xdf\xa3" + bytes(60), ((0, 600_000), (9_999_999, 10_000_000))),  # Matroska
        (b"", ((0, 600_000), (9_999_999, 10_000_000))),
    ],
)
def test_ranges_by_how_a_file_begins(beginning: bytes, wanted: tuple[tuple[int, int], ...]) -> None:
    assert plan.ranges(beginning, 10_000_000, 600_000) == wanted


@pytest.mark.parametrize("faststart", [True, False])
def test_a_real_clip(tmp_path: Path, faststart: bool) -> None:
    data = make_clip(
        tmp_path / "clip.mp4", seconds=30, size=(320, 180), faststart=faststart, bit_rate=400_000
    ).read_bytes()
    wanted = plan.ranges(data[:16_384], len(data), plan.LEAST_HEAD)
    index = data.index(b"moov") - 4
    assert any(start <= index < end for start, end in wanted)
    assert wanted[0][1] >= plan.LEAST_HEAD
    assert sum(end - start for start, end in wanted) < len(data) / 2


@given(
    st.lists(st.tuples(st.integers(0, 1 << 24), st.integers(0, 1 << 24)), max_size=4),
    st.integers(0, 1 << 30),
    st.integers(14, 25).map(lambda power: 1 << power),
)
def test_what_is_affordable(wanted: list[tuple[int, int]], offset: int, piece_length: int) -> None:
    result = plan.affordable(wanted, offset, piece_length)
    pieces = {
        piece
        for start, end in result
        for piece in range((offset + start) // piece_length, -(-(offset + end) // piece_length))
    }
    assert len(pieces) * piece_length < plan.MOST_BYTES + piece_length
    for start, end in result:
        assert any(s == start and start < end <= e for s, e in wanted)
    if piece_length > plan.MOST_BYTES:
        assert result == ()


def test_too_much_is_cut_from_the_end() -> None:
    everything = [(0, 3 << 20), (10 << 20, 14 << 20)]
    assert plan.affordable(everything, 0, 1 << 20) == ((0, 3 << 20), (10 << 20, 11 << 20))
    assert plan.affordable(everything, 0, 4 << 20) == ((0, 3 << 20),)


@pytest.mark.parametrize(
    ("waiting", "watching", "rate", "limit", "may"),
    [
        (False, False, 0, 0, True),
        (False, False, 1e6, 1_000_000, True),  # nobody watches what comes
        (False, True, 1e9, 0, True),
        (False, True, 799_000, 1_000_000, True),
        (False, True, 800_000, 1_000_000, False),
        (True, True, 0, 0, False),
    ],
)
def test_who_watches_comes_first(
    waiting: bool, watching: bool, rate: float, limit: int, may: bool
) -> None:
    assert plan.may_begin(waiting=waiting, watching=watching, rate=rate, limit=limit) is may
