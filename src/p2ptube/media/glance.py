"""What the beginning of a media file tells of the whole, while the rest is still elsewhere."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import av
from av.stream import Stream

from ..errors import DamagedMedia
from .boxes import Box, read_layout
from .probe import codec_name, main_audio, main_video

HEAD_BYTES = 1024 * 1024  # in which Matroska and WebM say it
MOST_INDEX_BYTES = 16 * 1024 * 1024  # that of a long MP4
# Only those that say it in front: of others, FFmpeg guesses from the part that it sees.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_LONGEST = 10_000_000.0  # seconds
_WIDEST = 100_000  # pixels
# Of an index: so much is told of it, and so many of its frames are looked at for that.
INDEX_STEP = 1.0  # seconds
MOST_PLACES = 1000
_MOST_FRAMES = 20_000

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`duration` in seconds; `width` and `height` in pixels, 0 without pictures; codecs by name.

    `index`: times in seconds, rising, and the offsets in the file at which what is shown then
    begins: at most MOST_PLACES, INDEX_STEP apart at least; nothing where no index was found. The
    offsets are what the file says.
    """

    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str
    index: tuple[tuple[float, int], ...] = ()


def telling(beginning: bytes, size: int) -> Ranges:
    """Pure: the bytes [start, end) of a file of `size` bytes that tell what it is.

    `beginning` are its first ones. In MP4 the index (`moov`) tells it, in front of the media or
    behind them. Nothing where that would be too much, or cannot be found.
    """
    try:
        layout = read_layout(lambda offset, length: beginning[offset : offset + length], size)
    except DamagedMedia:
        return ((0, min(size, HEAD_BYTES)),)
    first = next((box for box in layout.boxes if box.kind in {b"moov", b"mdat"}), None)
    if first is None:
        return ()
    if first.kind == b"moov":
        return _bounded((0, first.end), size=size)
    kind = _kind(layout.boxes)
    return _bounded(*kind, (first.end, size), size=size)


def glance(data: bytes, report: Callable[[float], None]) -> Glance | None:
    """What these bytes of a file tell of it; None where it is nothing. Runs in a worker process."""
    options = {"format_whitelist": _FORMATS}
    file = io.BytesIO(data)
    try:
        with av.open(file, "r", metadata_errors="replace", container_options=options) as it:
            duration = (it.duration or 0) / av.time_base
            video, audio = main_video(it), main_audio(it)
            if not (math.isfinite(duration) and 0 < duration < _LONGEST):
                return None
            # Of a codec that FFmpeg does not know it tells nothing but where its bytes are.
            known = video if video and video.codec_context is not None else None
            return Glance(
                duration=duration,
                width=min(known.width, _WIDEST) if known else 0,
                height=min(known.height, _WIDEST) if known else 0,
                video_codec=codec_name(video) if video else "",
                audio_codec=codec_name(audio) if audio else "",
                index=_places(video or audio, duration),
            )
    except (av.FFmpegError, ValueError, OSError):
        return None
    finally:
        report(1.0)


def _places(stream: Stream | None, duration: float) -> tuple[tuple[float, int], ...]:
    """Places all over the file, from the index of one of its streams."""
    if stream is None or not stream.time_base:
        return ()
    entries, unit = stream.index_entries, float(stream.time_base)
    step = max(INDEX_STEP, duration / MOST_PLACES)
    places: list[tuple[float, int]] = []
    due = 0.0
    for number in range(0, len(entries), 1 + len(entries) // _MOST_FRAMES):
        entry = entries[number]
        seconds = max(0.0, entry.timestamp * unit)
        if due <= seconds < duration and entry.pos >= 0 and len(places) < MOST_PLACES:
            places.append((seconds, entry.pos))
            due = seconds + step
    return tuple(places)


def _kind(boxes: tuple[Box, ...]) -> Ranges:
    return tuple((box.start, box.end) for box in boxes[:1] if box.kind == b"ftyp")


def _bounded(*ranges: tuple[int, int], size: int) -> Ranges:
    whole = all(0 <= start < end <= size for start, end in ranges)
    total = sum(end - start for start, end in ranges)
    return ranges if whole and total <= MOST_INDEX_BYTES else ()
