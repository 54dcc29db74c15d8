"""Streams of an import that pass unchanged from the source into the MP4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import av
from av.container import OutputContainer

if TYPE_CHECKING:
    AnyPacket = av.Packet[Any]

_MAX_WITHOUT_TIME = 64  # packets of a stream that may come before its first decoding time


class Uncopyable(Exception):
    """The packets of a stream do not fit into an MP4 as they are; it must be transcoded."""


class Track(Protocol):
    """One stream on its way from the source to the output."""

    def feed(self, packet: AnyPacket) -> None:
        """Take the next packet of the source."""

    def finish(self) -> None:
        """Put out what is still held back. Raises DamagedMedia where the stream was no good."""


class CopyTrack:
    """Passes packets on, with decoding times that are there and grow, as MP4 wants them."""

    def __init__(self, out: OutputContainer, source: av.VideoStream | av.AudioStream) -> None:
        self._mux = out.mux_one
        self._out = out.add_stream_from_template(source, opaque=True)
        self._reorders = source.type == "video"
        self._last: int | None = None
        self._early: list[AnyPacket] = []

    def feed(self, packet: AnyPacket) -> None:
        """Take the next packet. Raises Uncopyable where its times cannot be told."""
        if packet.pts is None:
            if self._reorders or packet.dts is None:
                raise Uncopyable("a packet without presentation time")
            packet.pts = packet.dts
        if packet.dts is None and self._last is None:
            self._hold(packet)
            return
        if self._early:
            self._release(packet.dts)
        self._put(packet)

    def finish(self) -> None:
        """Put out what is still held back."""
        if self._early:
            self._release(None)

    def _hold(self, packet: AnyPacket) -> None:
        # Matroska tells no decoding times: FFmpeg infers them, but not those of the first packets.
        self._early.append(packet)
        if len(self._early) > _MAX_WITHOUT_TIME:
            raise Uncopyable("packets without decoding time")

    def _release(self, following: int | None) -> None:
        early, self._early = self._early, []
        step = max(early[0].duration or 1, 1)
        if following is None:
            following = min(packet.pts or 0 for packet in early) + step
        for index, packet in enumerate(early):
            packet.dts = following - step * (len(early) - index)
            self._put(packet)

    def _put(self, packet: AnyPacket) -> None:
        last, dts, pts = self._last, packet.dts, packet.pts
        if dts is None or (last is not None and dts <= last):
            dts = packet.dts = (last or 0) + 1
        if pts is None or pts < dts:
            packet.pts = dts
        self._last = dts
        packet.stream = self._out
        self._mux(packet)
