from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.descriptor import is_plain_file_name
from p2ptube.errors import DamagedMedia
from p2ptube.media.boxes import Layout, read_layout, walk
from p2ptube.media.naming import clean_title, output_name, title_from_name
from p2ptube.media.plan import Plan, cut_off, decide, target_rate, target_size
from p2ptube.media.probe import MediaInfo
from p2ptube.media.remaining import Estimate

INFO = MediaInfo(
    container="mp4", size=1000, duration=100.0, width=640, height=360, rotation=0,
    video_codec="h264", pixel_format="yuv420p", bit_depth=8, video_profile="High",
    frame_rate=Fraction(25), interlaced=False, audio_codec="aac", audio_profile="LC", channels=2,
    bit_rate=80, title="", created="", faststart=True, fragmented=False, tidy=True,
)  # fmt: skip

KINDS = st.sampled_from([b"ftyp", b"moov", b"mdat", b"free", b"moof", b"uuid", b"wide"])


def layout(data: bytes) -> Layout:
    return read_layout(lambda offset, length: data[offset : offset + length], len(data))


def box(kind: bytes, content: bytes = b"", long: bool = False) -> bytes:
    if long:
        return (1).to_bytes(4, "big") + kind + (16 + len(content)).to_bytes(8, "big") + content
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@given(st.lists(st.tuples(KINDS, st.binary(max_size=40), st.booleans()), min_size=1))
def test_boxes_are_found_as_written(parts: list[tuple[bytes, bytes, bool]]) -> None:
    data = b"".join(box(*part) for part in parts)
    found = layout(data)
    assert [(b.kind, data[b.content : b.end]) for b in found.boxes] == [p[:2] for p in parts]
    assert found.complete and found.tidy and found.end == len(data)
    order = [kind for kind, _, _ in parts if kind in {b"moov", b"mdat"}]
    assert found.faststart == (order[:1] == [b"moov"])


@given(st.binary(max_size=200))
def test_garbage_gives_a_layout_or_damaged_media(data: bytes) -> None:
    with contextlib.suppress(DamagedMedia):
        found = layout(data)
        assert all(b.start <= b.content <= b.end for b in found.boxes)


@given(st.integers(1, 60), st.booleans())
def test_a_cut_file_is_never_complete_and_tidy(missing: int, long: bool) -> None:
    data = box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + box(b"mdat", bytes(60), long)
    found = layout(data[:-missing])
    assert not (found.complete and found.tidy)


def test_the_last_box_may_leave_its_size_open() -> None:
    data = box(b"ftyp") + box(b"moov") + bytes(4) + b"mdat" + bytes(100)
    assert layout(data).complete
    assert layout(data).end == len(data)


def test_rubbish_at_the_end_makes_it_untidy_only() -> None:
    found = layout(box(b"ftyp") + box(b"moov") + box(b"mdat") + b"\x00\x00\x00\x03junk")
    assert found.complete and not found.tidy


@pytest.mark.parametrize("data", [box(b"moov", box(b"mvex")), box(b"moov") + box(b"moof")])
def test_fragments(data: bytes) -> None:
    assert layout(data).fragmented
    assert not layout(box(b"moov", box(b"trak"))).fragmented


def test_too_many_boxes() -> None:
    with pytest.raises(DamagedMedia):
        list(walk(lambda _offset, _length: box(b"free"), 0, 10**9))


@given(st.text(max_size=300).filter(lambda t: "/" not in t and "\0" not in t), st.integers(1, 999))
def test_output_names_are_plain(stem: str, number: int) -> None:
    name = output_name(PurePosixPath("/some/where") / f"x{stem}.mkv", number)
    assert is_plain_file_name(name)
    assert name.endswith(".mp4")


@given(st.text(alphabet=st.characters(), max_size=700))
def test_titles_can_be_sent(text: str) -> None:
    title = clean_title(text)
    assert len(title.encode()) >= 0 and len(title) <= 500
    assert clean_title(title) == title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my_holiday.2024.mp4", "my holiday 2024"),
        ("Vol. 2 of 3.mkv", "Vol. 2 of 3"),
        ("映画.mp4", "映画"),
        ("__.mp4", "__.mp4"),
    ],
)
def test_titles_from_names(name: str, title: str) -> None:
    assert title_from_name(PurePosixPath(name)) == title


COPY = Plan(False, "copy", "copy")


@pytest.mark.parametrize(
    ("change", "plan"),
    [
        ({}, Plan(True, "copy", "copy")),
        ({"audio_codec": ""}, Plan(True, "copy", "none")),
        ({"audio_codec": "opus"}, Plan(True, "copy", "copy")),
        ({"faststart": False}, COPY),
        ({"fragmented": True}, COPY),
        ({"tidy": False}, COPY),
        ({"container": "mov"}, COPY),
        ({"container": "matroska", "video_codec": "vp9"}, COPY),
        ({"container": "avi"}, Plan(False, "transcode", "copy")),
        ({"video_codec": "hevc"}, Plan(False, "transcode", "copy")),
        ({"pixel_format": "yuv420p10le"}, Plan(False, "transcode", "copy")),
        ({"pixel_format": "yuvj420p"}, Plan(True, "copy", "copy")),
        ({"audio_codec": "ac3"}, Plan(False, "copy", "transcode")),
        ({"audio_profile": "Main"}, Plan(False, "copy", "transcode")),
    ],
)
def test_plans(change: dict[str, object], plan: Plan) -> None:
    assert decide(replace(INFO, **change)) == plan  # type: ignore[arg-type]


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_target_sizes_are_even_and_bounded(width: int, height: int) -> None:
    result = target_size(replace(INFO, width=width, height=height))
    assert all(side >= 2 and side % 2 == 0 and side <= 3840 for side in result)


@given(st.fractions(0, 100_000))
def test_target_rates_are_sane(rate: Fraction) -> None:
    assert 1 <= target_rate(replace(INFO, frame_rate=rate)) <= 240


def test_what_counts_as_cut_off() -> None:
    assert cut_off(INFO, 94)
    assert not cut_off(INFO, 96)
    short = replace(INFO, duration=2.0)
    assert not cut_off(short, 1.1)
    assert not cut_off(replace(INFO, container="mpegts"), 10)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), max_size=50))
def test_estimates_are_never_negative(observations: list[tuple[float, float]]) -> None:
    estimate = Estimate(0.0, 0.0, 0.0)
    for now, progress in observations:
        last = estimate
        estimate = estimate.advance(now, progress)
        assert estimate.at >= last.at and estimate.progress >= last.progress
        seconds = estimate.remaining
        assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


@given(st.floats(2, 10_000), st.integers(2, 50))
def test_an_even_pace_is_told_exactly(total: float, steps: int) -> None:
    estimate = Estimate(5.0, 5.0, 0.0)
    for step in range(1, steps):
        estimate = estimate.advance(5.0 + total * step / steps, step / steps)
        if estimate.remaining is not None:
            assert estimate.remaining == pytest.approx(total * (steps - step) / steps, rel=1e-6)


def test_nothing_is_told_before_anything_moved() -> None:
    estimate = Estimate(0.0, 0.0, 0.0)
    assert estimate.remaining is None
    assert estimate.advance(10.0, 0.0).remaining is None
    assert estimate.advance(0.5, 0.2).remaining is None  # too early to say
    assert estimate.advance(10.0, 1.0).remaining == 0
