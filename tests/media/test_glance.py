from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clips import make_clip, make_uneven_clip
from tests.media.helpers import moov

from p2ptube.media.glance import (
    HEAD_BYTES,
    INDEX_STEP,
    MOST_INDEX_BYTES,
    MOST_PLACES,
    Glance,
    glance,
    telling,
)

BEGINNING = 4096


def seen(path: Path, beginning: int = BEGINNING) -> tuple[Glance | None, int]:
    """What is seen of a file, and how many of its bytes were needed."""
    data = path.read_bytes()
    parts = telling(data[:beginning], len(data))
    needed = b"".join(data[start:end] for start, end in parts)
    return glance(needed, lambda _: None), len(needed)


@pytest.mark.parametrize(("suffix", "faststart"), [("mp4", True), ("mp4", False), ("mkv", False)])
def test_the_bytes_that_tell_it(suffix: str, faststart: bool, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / f"clip.{suffix}", seconds=12, size=(320, 180), faststart=faststart)
    found, needed = seen(clip)
    assert found is not None
    assert 11.5 < found.duration < 12.5
    assert (found.width, found.height, found.video_codec) == (320, 180, "h264")
    assert found.audio_codec
    assert needed <= HEAD_BYTES < clip.stat().st_size


@pytest.mark.parametrize(
    ("suffix", "flags"),
    [
        ("mp4", {"movflags": "+faststart"}),
        ("mp4", {}),
        ("mkv", {"reserve_index_space": "20000"}),
        ("webm", {"reserve_index_space": "20000"}),
    ],
)
def test_the_index_tells_where_the_bytes_are(
    suffix: str, flags: dict[str, str], tmp_path: Path
) -> None:
    clip = make_uneven_clip(tmp_path / f"clip.{suffix}", seconds=16, flags=flags)
    found, _ = seen(clip)
    assert found is not None
    times, places = zip(*found.index, strict=True)
    assert times[0] < 0.1 and times[-1] > found.duration - 3
    assert all(b - a >= INDEX_STEP for a, b in pairwise(times))
    assert list(places) == sorted(set(places))
    assert places[-1] < clip.stat().st_size
    # The first half is a still picture.
    half = next(place for seconds, place in found.index if seconds >= found.duration / 2)
    assert half - places[0] < (clip.stat().st_size - half) / 4


def test_an_index_behind_the_media_of_matroska_is_not_waited_for(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", seconds=12, size=(320, 180))
    found, _ = seen(clip)
    assert found is not None and len(found.index) <= 1


def test_a_long_index_is_thinned() -> None:
    """A day of it: what an MP4 says of 25 frames a second."""
    day, rate = 86_400, 25
    data = moov(frames=day * rate, per_chunk=rate, size=10, rate=rate)
    found = glance(data, lambda _: None)
    assert found is not None
    assert MOST_PLACES * 0.9 < len(found.index) <= MOST_PLACES
    steps = [b - a for (a, _), (b, _) in pairwise(found.index)]
    assert min(steps) >= day / MOST_PLACES
    assert max(steps) < 1.1 * day / MOST_PLACES


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_to_an_index(data: st.DataObject) -> None:
    whole = bytearray(moov(frames=200, per_chunk=5, size=1000, rate=25))
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(whole) - 8))
        whole[start : start + 8] = data.draw(st.binary(min_size=8, max_size=8))
    found = glance(bytes(whole), lambda _: None)
    if found is not None:
        assert len(found.index) <= MOST_PLACES
        assert all(0 <= seconds < found.duration and at >= 0 for seconds, at in found.index)


def test_a_format_that_does_not_say_it_in_front(tmp_path: Path) -> None:
    assert seen(make_clip(tmp_path / "clip.avi", seconds=12, size=(320, 180)))[0] is None


def test_what_is_no_video(tmp_path: Path) -> None:
    for name, data in (("text", b"read me " * 9000), ("zeros", bytes(100_000)), ("empty", b"")):
        path = tmp_path / name
        path.write_bytes(data)
        assert seen(path)[0] is None


def test_an_index_that_is_too_large_is_not_waited_for() -> None:
    box = (MOST_INDEX_BYTES + 9).to_bytes(4, "big") + b"moov"
    assert telling(box, 2**32) == ()
    media = (1000).to_bytes(4, "big") + b"mdat"
    assert telling(media, 2**32) == ()
    assert telling(media, 5000) == ((1000, 5000),)
    assert telling(media, 900) == ()  # it says that it ends behind the end


@given(st.binary(max_size=200), st.integers(1, 2**40))
def test_any_beginning(beginning: bytes, size: int) -> None:
    parts = telling(beginning, size)
    assert all(0 <= start < end <= size for start, end in parts)
    assert sum(end - start for start, end in parts) <= MOST_INDEX_BYTES


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([b"", b"\0\0\0\x18ftypmp42", b"\x1aE\xdf\xa3"]), st.binary(max_size=300))
def test_any_bytes(magic: bytes, rest: bytes) -> None:
    found = glance(magic + rest, lambda _: None)
    assert found is None or found.duration > 0
