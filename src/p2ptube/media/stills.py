"""The poster of a video: a JPEG of a frame that shows something."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import pstdev

import av
from av.container import InputContainer

from ..errors import P2PTubeError
from .graphs import drain, picture_graph
from .probe import MediaInfo, main_video, open_media, packets

log = logging.getLogger(__name__)

MAX_WIDTH = 640  # pixels

_MOMENTS = (0.10, 0.25, 0.50, 0.03)  # of the duration, in the order of trying
_FRAMES_PER_MOMENT = 3
_MAX_PACKETS = 250  # decoded between a keyframe and the moment that is wanted
_FLAT = 8.0  # standard deviation of the brightness (0..255), below which a frame shows nothing
_SAMPLE = (32, 18)  # pixels; enough to judge


def make_poster(path: Path, info: MediaInfo) -> bytes | None:
    """A JPEG, at most MAX_WIDTH wide, upright. None where no frame can be decoded."""
    try:
        with open_media(path) as container:
            best = _most_telling(container, info)
            return _jpeg(best, info) if best is not None else None
    except (P2PTubeError, av.FFmpegError, ValueError, OSError) as error:
        log.warning("no poster for %s: %s", path.name, error)
        return None


def _most_telling(container: InputContainer, info: MediaInfo) -> av.VideoFrame | None:
    video = main_video(container)
    if video is None:
        return None
    best, best_contrast = None, -1.0
    for moment in _MOMENTS:
        for frame in _frames_at(container, video, moment * info.duration):
            contrast = _contrast(frame)
            if contrast > best_contrast:
                best, best_contrast = frame, contrast
        if best_contrast >= _FLAT:
            break
    return best


def _frames_at(
    container: InputContainer, video: av.VideoStream, seconds: float
) -> Iterator[av.VideoFrame]:
    start = (container.start_time or 0) / av.time_base
    found, passed = 0, None
    try:
        container.seek(int((start + seconds) * av.time_base))
        for count, packet in enumerate(packets(container, video)):
            for frame in packet.decode():
                # The seek ends at the keyframe before; where that is far off, it must do.
                if frame.time is not None and frame.time < start + seconds and count < _MAX_PACKETS:
                    passed = frame
                    continue
                yield frame
                found += 1
                if found >= _FRAMES_PER_MOMENT:
                    return
    except av.FFmpegError as error:
        log.debug("no frame at %.1f s: %s", seconds, error)
    if not found and passed is not None:
        yield passed


def _contrast(frame: av.VideoFrame) -> float:
    width, height = _SAMPLE
    plane = frame.reformat(width=width, height=height, format="gray").planes[0]
    data = bytes(plane)
    rows = (data[y * plane.line_size : y * plane.line_size + width] for y in range(height))
    return pstdev(b"".join(rows))


def _jpeg(frame: av.VideoFrame, info: MediaInfo) -> bytes:
    scale = min(1.0, MAX_WIDTH / info.width)
    size = max(round(info.width * scale), 1), max(round(info.height * scale), 1)
    graph = picture_graph(frame, info, size, "yuvj420p")
    frame.pts = 0
    graph.vpush(frame)
    graph.vpush(None)
    picture = next(drain(graph))
    assert isinstance(picture, av.VideoFrame)
    picture.pict_type = 0
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qmin": "4", "qmax": "6"}
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
