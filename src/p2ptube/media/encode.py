"""Streams of an import that are decoded and encoded anew, as H.264 and AAC."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import ThreadType
from av.container import OutputContainer
from av.filter import Graph

from ..errors import DamagedMedia
from .graphs import drain, picture_graph, sound_graph
from .plan import has_frame_times, target_rate, target_size
from .probe import MediaInfo

if TYPE_CHECKING:
    from .tracks import AnyPacket

log = logging.getLogger(__name__)

KEYFRAME_SECONDS = 2.0
AUDIO_RATE = 48_000  # Hz
STEREO_BIT_RATE = 160_000  # bits per second
MONO_BIT_RATE = 96_000

_TIME_BASE = Fraction(1, 90_000)
_MAX_UNDECODABLE = 0.5  # share of the packets; beyond, the stream counts as damaged
_INTRA, _AUTO = 1, 0  # picture types
_BT709 = 1
_X264 = {"preset": "veryfast", "crf": "21", "profile": "high", "forced-idr": "1"}


class _Transcoder(ABC):
    """Decodes a stream, passes its frames through a filter graph, and encodes them.

    Packets that cannot be decoded are forgiven, as players do it, unless they are too many.
    """

    def __init__(
        self,
        out: OutputContainer,
        source: av.VideoStream | av.AudioStream,
        stream: av.VideoStream | av.AudioStream,
    ) -> None:
        self._mux = out.mux
        self._source = source
        self._stream = stream
        self._graph: Graph | None = None
        self._shape: tuple[object, ...] = ()
        self._good = self._bad = 0

    def feed(self, packet: AnyPacket) -> None:
        """Decode one packet and encode what comes out."""
        try:
            frames: list[Any] = packet.decode()
        except av.FFmpegError as error:
            self._count_bad(error)
            return
        self._good += 1
        for frame in frames:
            self._take(frame)

    def finish(self) -> None:
        """Flush decoder, filters and encoder. Raises DamagedMedia where too little was readable."""
        try:
            for frame in self._source.codec_context.decode(None):
                self._take(frame)
        except av.FFmpegError as error:
            self._count_bad(error)
        if self._bad > _MAX_UNDECODABLE * (self._good + self._bad):
            raise DamagedMedia(f"{self._bad} of {self._good + self._bad} packets are unreadable")
        self._flush_graph()
        self._mux(self._stream.encode(None))

    @abstractmethod
    def _shape_of(self, frame: Any) -> tuple[object, ...]:
        """What of a frame the graph was made for."""

    @abstractmethod
    def _make_graph(self, frame: Any) -> Graph:
        """The graph for frames like this."""

    @abstractmethod
    def _prepare(self, frame: Any) -> None:
        """What a decoded frame needs before the graph."""

    @abstractmethod
    def _accept(self, frame: Any) -> bool:
        """Make a frame ready for the encoder; False where it is to be left out."""

    def _count_bad(self, error: av.FFmpegError) -> None:
        if not self._bad:
            log.info("a packet cannot be decoded: %s", error)
        self._bad += 1

    def _take(self, frame: Any) -> None:
        shape = self._shape_of(frame)
        if self._graph is None or shape != self._shape:
            self._flush_graph()
            self._graph, self._shape = self._make_graph(frame), shape
        self._prepare(frame)
        self._graph.push(frame)
        self._encode_from(self._graph)

    def _flush_graph(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._encode_from(self._graph)
            self._graph = None

    def _encode_from(self, graph: Graph) -> None:
        frame: Any
        for frame in drain(graph):
            if self._accept(frame):
                self._mux(self._stream.encode(frame))


class VideoTrack(_Transcoder):
    """Encodes a video stream as H.264, 8 bit, upright, progressive, with a keyframe every 2 s."""

    def __init__(self, out: OutputContainer, source: av.VideoStream, info: MediaInfo) -> None:
        source.thread_type = ThreadType.AUTO
        self._info = info
        self._size = target_size(info)
        self._by_decoding = not has_frame_times(info)
        self._last: Fraction | None = None
        self._keyframe_due = Fraction(0)
        super().__init__(out, source, _h264_stream(out, source, info, self._size))

    def _shape_of(self, frame: av.VideoFrame) -> tuple[object, ...]:
        return frame.width, frame.height, frame.format.name

    def _make_graph(self, frame: av.VideoFrame) -> Graph:
        return picture_graph(frame, self._info, self._size)

    def _prepare(self, frame: av.VideoFrame) -> None:
        if frame.pts is None or self._by_decoding:
            frame.pts = frame.dts

    def _accept(self, frame: av.VideoFrame) -> bool:
        # Not where it comes at or before the last one.
        if frame.pts is not None:
            time = frame.pts * Fraction(frame.time_base or _TIME_BASE)
        elif self._last is not None:
            time = self._last + 1 / target_rate(self._info)
        else:
            time = Fraction(0)
        tick = round(time / _TIME_BASE)
        if self._last is not None and tick <= self._last / _TIME_BASE:
            return False
        frame.pts, frame.time_base = tick, _TIME_BASE
        self._last = tick * _TIME_BASE
        frame.pict_type = _AUTO
        if self._last >= self._keyframe_due:
            frame.pict_type = _INTRA
            self._keyframe_due = self._last + Fraction(KEYFRAME_SECONDS)
        return True


class AudioTrack(_Transcoder):
    """Encodes an audio stream as AAC, mono or stereo, 48 kHz; fills gaps with silence."""

    def __init__(self, out: OutputContainer, source: av.AudioStream, info: MediaInfo) -> None:
        self._layout = "mono" if info.channels == 1 else "stereo"
        stream = out.add_stream("aac", rate=AUDIO_RATE)
        stream.layout = self._layout
        stream.bit_rate = MONO_BIT_RATE if info.channels == 1 else STEREO_BIT_RATE
        super().__init__(out, source, stream)

    def _shape_of(self, frame: av.AudioFrame) -> tuple[object, ...]:
        return frame.sample_rate, frame.format.name, frame.layout.name

    def _make_graph(self, frame: av.AudioFrame) -> Graph:
        return sound_graph(frame, AUDIO_RATE, self._layout)

    def _prepare(self, frame: av.AudioFrame) -> None:
        pass

    def _accept(self, frame: av.AudioFrame) -> bool:
        return True


def _h264_stream(
    out: OutputContainer, source: av.VideoStream, info: MediaInfo, size: tuple[int, int]
) -> av.VideoStream:
    stream = out.add_stream("libx264", rate=target_rate(info), options=dict(_X264))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context, origin = stream.codec_context, source.codec_context
    context.time_base = _TIME_BASE
    if av.VideoFormat(info.pixel_format).is_rgb:
        context.colorspace = context.color_primaries = context.color_trc = _BT709
    else:
        context.colorspace = origin.colorspace
        context.color_primaries = origin.color_primaries
        context.color_trc = origin.color_trc
    return stream
