"""Look into a media file: what it is, and whether it is whole."""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer
from av.stream import Disposition

from ..errors import DamagedMedia, InvalidInput, MediaError, NotAVideo
from .boxes import Layout, read_layout
from .faults import reading_fault, reason
from .naming import clean_title, title_from_name

if TYPE_CHECKING:
    AnyPacket = av.Packet[Any]

log = logging.getLogger(__name__)

# Only what plays a file of its own: playlists and scripts of FFmpeg read other files and addresses.
_VIDEO_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,dv,mxf,rm,nut,"
    "ivf,h264,hevc,m4v,wtv,nsv,apng,obu,av1"
)
_AUDIO_FORMATS = "mp3,wav,flac,aac,ac3,aiff,w64,caf,ape,wv"
_FIRST_FRAME_PACKETS = 600  # a stream may begin in the middle of a group of pictures
_MAYBE_STILL = {"gif", "apng"}
_RIFF_UNFINISHED = 0xFFFFFFFF + 8
_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What `probe` found.

    `width` and `height` are as shown, after `rotation` (degrees counter-clockwise, 0..359) and in
    square pixels; `duration` in seconds, 0 where unknown; `bit_rate` in bits per second; codecs by
    FFmpeg's names, "" where there is none. `created` is the time the file itself tells, if any.
    """

    container: str
    size: int
    duration: float
    width: int
    height: int
    rotation: int
    video_codec: str
    pixel_format: str
    bit_depth: int
    video_profile: str
    frame_rate: Fraction
    interlaced: bool
    audio_codec: str
    audio_profile: str
    channels: int
    bit_rate: int
    title: str
    created: str
    faststart: bool
    fragmented: bool
    tidy: bool


def probe(path: Path) -> MediaInfo:
    """Read what `path` is.

    Raises NotFound, InvalidInput (a directory, a device, no permission), NotAVideo, DamagedMedia,
    or StorageError where the disk fails. Never waits for a pipe or a device.
    """
    size = _check_file(path)
    layout = _layout(path, size)
    with open_media(path, layout) as container:
        try:
            return _describe(path, size, layout, container)
        except (av.FFmpegError, ValueError) as error:
            raise DamagedMedia(f"{path.name} is damaged: {reason(error)}") from error


@contextmanager
def open_media(path: Path, layout: Layout | None = None) -> Iterator[InputContainer]:
    """Open `path` for reading. Raises NotAVideo or DamagedMedia where FFmpeg cannot."""
    try:
        container = av.open(
            f"file:{path.absolute()}",
            mode="r",
            metadata_errors="replace",
            container_options={
                "protocol_whitelist": "file",
                "format_whitelist": f"{_VIDEO_FORMATS},{_AUDIO_FORMATS}",
            },
        )
    except (av.FFmpegError, OSError) as error:
        if layout is not None and layout.has_data:
            raise DamagedMedia(f"{path.name} is damaged: {reason(error)}") from error
        raise NotAVideo(f"{path.name} is not a video") from error
    with container:
        yield container


def main_video(container: InputContainer) -> av.VideoStream | None:
    """The first stream of moving pictures; covers and thumbnails are none."""
    streams = [s for s in container.streams.video if not s.disposition & _PICTURES]
    return streams[0] if streams else None


def main_audio(container: InputContainer) -> av.AudioStream | None:
    """The audio stream that players choose: the first that is marked as default, else the first."""
    streams = container.streams.audio
    marked = [s for s in streams if s.disposition & Disposition.default]
    return next(iter(marked or streams), None)


def packets(container: InputContainer, *streams: av.VideoStream) -> Iterator[AnyPacket]:
    """The packets of `streams`, or of all; an empty one for each at the end.

    Raises av.FFmpegError where reading fails.
    """
    try:
        yield from container.demux(*streams)
    except IndexError:
        # So PyAV ends a file in which streams appeared after the first ones.
        return


def _check_file(path: Path) -> int:
    try:
        # Opening a pipe to read waits for a writer, unless told not to.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):  # a NUL in the name
            raise InvalidInput("not a file name") from error
        raise reading_fault(error, path.name) from error
    if stat.S_ISDIR(status.st_mode):
        raise InvalidInput(f"{path.name or path} is a directory, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(f"{path.name} is not a regular file")
    if status.st_size == 0:
        raise NotAVideo(f"{path.name} is empty")
    return status.st_size


def _layout(path: Path, size: int) -> Layout | None:
    # None: no MP4 or QuickTime file.
    try:
        with path.open("rb") as file:

            def read_at(offset: int, length: int) -> bytes:
                file.seek(offset)
                return file.read(length)

            layout = read_layout(read_at, size)
    except OSError as error:
        raise reading_fault(error, path.name) from error
    except (DamagedMedia, OverflowError):
        _check_riff(path, size)
        return None
    if layout.boxes[0].kind not in {b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"pnot"}:
        return None
    _check_whole(path, size, layout)
    return layout


def _check_riff(path: Path, size: int) -> None:
    # A cut AVI file has lost its index, and with it FFmpeg's knowledge of the duration.
    with path.open("rb") as file:
        header = file.read(12)
    promised = int.from_bytes(header[4:8], "little") + 8
    recording = promised in {8, _RIFF_UNFINISHED}  # by a recorder that was stopped hard
    if header[:4] + header[8:] == b"RIFFAVI " and not recording and size < 0.95 * promised:
        raise DamagedMedia(f"{path.name} is incomplete: only {_of(size, promised)} are there")


def _check_whole(path: Path, size: int, layout: Layout) -> None:
    if not layout.complete and not layout.fragmented:
        raise DamagedMedia(f"{path.name} is incomplete: only {_of(size, layout.end)} are there")
    if layout.has_data and not layout.has_index and not layout.fragmented:
        raise DamagedMedia(f"{path.name} is incomplete: its index (moov) is missing")


def _of(size: int, promised: int) -> str:
    """How much there is, in words; in bytes where megabytes would not tell the difference."""
    if promised - size < 100_000:
        return f"{size:,} of {promised:,} bytes"
    return f"{size / 1e6:.1f} of {promised / 1e6:.1f} MB"


def _describe(path: Path, size: int, layout: Layout | None, container: InputContainer) -> MediaInfo:
    video, audio = main_video(container), main_audio(container)
    if video is None:
        what = "has sound but no pictures" if audio else "is not a video"
        raise NotAVideo(f"{path.name} {what}")
    _check_codec(path, video)
    if layout is not None and not layout.fragmented:
        _check_indexed(path, size, container)
    frame = _first_frame(path, video)
    duration = _duration(path, container)
    rotation = frame.rotation % 360
    width, height = _shown_size(frame, video.sample_aspect_ratio, rotation)
    pixels = frame.format
    return MediaInfo(
        container=_container_name(container),
        size=size,
        duration=duration,
        width=width,
        height=height,
        rotation=rotation,
        video_codec=codec_name(video),
        pixel_format=pixels.name,
        bit_depth=max(component.bits for component in pixels.components),
        video_profile=video.profile or "",
        frame_rate=Fraction(video.guessed_rate or video.average_rate or 25),
        interlaced=frame.interlaced_frame,
        audio_codec=codec_name(audio) if audio else "",
        audio_profile=(audio.profile or "") if audio else "",
        channels=_channels(path, audio) if audio else 0,
        bit_rate=_bit_rate(container, size, duration),
        title=clean_title(_tag(container, video, "title")) or title_from_name(path),
        created=clean_title(_tag(container, video, "creation_time")),
        faststart=layout is not None and layout.faststart,
        fragmented=layout is not None and layout.fragmented,
        tidy=layout is not None and layout.tidy,
    )


def codec_name(stream: av.VideoStream | av.AudioStream) -> str:
    """FFmpeg's name of the stream's codec, whatever decoder reads it; "" where it is unknown."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def _check_codec(path: Path, stream: av.VideoStream) -> None:
    if stream.codec_context is None:
        raise NotAVideo(f"{path.name} has pictures in a format that is not known")


def _check_indexed(path: Path, size: int, container: InputContainer) -> None:
    # The index says where the last packet of each stream ends; beyond the file means truncated.
    for stream in container.streams:
        entries = stream.index_entries
        if len(entries) and (last := entries[len(entries) - 1]).pos + last.size > size:
            raise DamagedMedia(
                f"{path.name} is incomplete: only {_of(size, last.pos + last.size)} are there"
            )


def _first_frame(path: Path, video: av.VideoStream) -> av.VideoFrame:
    container = video.container
    assert isinstance(container, InputContainer)
    trouble: Exception | None = None
    try:
        for count, packet in enumerate(packets(container, video)):
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                trouble, frames = error, []
            if frames:
                return frames[0]
            if count > _FIRST_FRAME_PACKETS:
                break
    except av.FFmpegError as error:
        trouble = error
    raise DamagedMedia(f"{path.name} is damaged: no picture of it can be decoded") from trouble


def _shown_size(frame: av.VideoFrame, aspect: Fraction | None, rotation: int) -> tuple[int, int]:
    width, height = frame.width, frame.height
    if aspect and aspect != 1 and 0.1 < aspect < 10:
        width = round(width * aspect)
    return (height, width) if rotation in {90, 270} else (width, height)


def _container_name(container: InputContainer) -> str:
    name = container.format.name.split(",")[0]
    if name != "mov":
        return name
    brand = container.metadata.get("major_brand", "qt").strip()
    return "mov" if brand == "qt" else "mp4"


def _duration(path: Path, container: InputContainer) -> float:
    told = container.duration or 0
    if told > 0 and container.format.name not in _MAYBE_STILL:
        return told / av.time_base
    # Recorders that write as they go (browsers, GIF makers) tell no duration; the packets do.
    count, first, last = 0, math.inf, 0.0
    with open_media(path) as again:
        for packet in packets(again, *again.streams.video):
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size:
                count += 1
                start = float((stamp or 0) * packet.time_base)
                first = min(first, start)
                last = max(last, start + float((packet.duration or 0) * packet.time_base))
    if count == 1:
        raise NotAVideo(f"{path.name} is a still picture")
    return max(last - first, 0.0)


def _channels(path: Path, audio: av.AudioStream) -> int:
    if audio.codec_context is None:
        raise MediaError(f"{path.name} has sound in a format that cannot be converted")
    return audio.codec_context.layout.nb_channels


def _bit_rate(container: InputContainer, size: int, duration: float) -> int:
    return container.bit_rate or (round(size * 8 / duration) if duration > 0 else 0)


def _tag(container: InputContainer, video: av.VideoStream, key: str) -> str:
    for metadata in (container.metadata, video.metadata):
        for name, value in metadata.items():
            if name.lower() == key and value.strip():
                return value
    return ""
