"""The loop of an import: packets of the source, in order, through their tracks into the MP4."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer

from ..errors import DamagedMedia
from .encode import AudioTrack, VideoTrack
from .plan import Plan
from .probe import MediaInfo, main_audio, main_video, open_media, packets
from .progress import Throttle
from .tracks import CopyTrack, Track

if TYPE_CHECKING:
    from .tracks import AnyPacket

_REPORT_PACKETS = 64  # packets between two looks at the clock
_JUMP = 10.0  # seconds; a stream whose times leap further is one that was cut together


def transfer(source: Path, target: Path, info: MediaInfo, plan: Plan, tell: Throttle) -> float:
    """Write `source` to `target` as `plan` says. Return how many seconds of it could be read.

    Raises Uncopyable, DamagedMedia, and the errors of FFmpeg and of the operating system.
    """
    with open_media(source) as container:
        out = av.open(
            f"file:{target}", "w", format="mp4", container_options={"movflags": "+faststart"}
        )
        try:
            out.metadata["title"] = info.title
            read = _pump(container, out, info, plan, tell)
            out.close()
        except BaseException:
            # Else PyAV would write the rest of the file when it forgets the container.
            with contextlib.suppress(av.FFmpegError, OSError, ValueError):
                out.close()
            raise
    tell(plan.stage, 1.0)
    return read


def _pump(
    container: InputContainer, out: OutputContainer, info: MediaInfo, plan: Plan, tell: Throttle
) -> float:
    tracks = _tracks(container, out, info, plan)
    timeline = _Timeline(container, info.duration)
    tell(plan.stage, 0.0)
    for count, packet in enumerate(_packets(container)):
        if packet.size == 0:  # PyAV marks the end of each stream so
            continue
        timeline.retime(packet)
        track = tracks.get(packet.stream_index)
        if track is not None:
            track.feed(packet)
        if count % _REPORT_PACKETS == 0 and info.duration > 0:
            # 1 is for the finished file only: `moov` moves to the front after the last packet.
            tell(plan.stage, min(timeline.reached / info.duration, 0.99))
    for track in tracks.values():
        track.finish()
    if not timeline.reached and info.duration > 1:
        raise DamagedMedia("nothing of it can be read")
    return timeline.reached


def _tracks(
    container: InputContainer, out: OutputContainer, info: MediaInfo, plan: Plan
) -> dict[int, Track]:
    tracks: dict[int, Track] = {}
    video, audio = main_video(container), main_audio(container)
    if video is not None:
        copy = plan.video == "copy"
        tracks[video.index] = CopyTrack(out, video) if copy else VideoTrack(out, video, info)
    if audio is not None and plan.audio != "none":
        copy = plan.audio == "copy"
        tracks[audio.index] = CopyTrack(out, audio) if copy else AudioTrack(out, audio, info)
    return tracks


def _packets(container: InputContainer) -> Iterator[AnyPacket]:
    try:
        yield from packets(container)
    except (av.error.InvalidDataError, av.error.EOFError):
        return  # the file ends here; whether that is too early is judged by the time reached


class _Timeline:
    """Shifts the times of all packets so that the source starts at 0 and does not leap."""

    def __init__(self, container: InputContainer, duration: float) -> None:
        self._start = Fraction(container.start_time or 0, av.time_base)
        # Seconds beyond which a leap is no gap but an error, which silence would have to fill.
        streaming = container.format.name in {"mpegts", "mpeg"}
        self._limit = 0.0 if streaming or duration <= 0 else duration + _JUMP
        self._shifts: dict[int, int] = {}  # ticks to add, by stream
        self._scales: dict[int, float] = {}  # seconds of a tick, by stream
        self._ends: dict[int, int] = {}  # where the last packet ended, in shifted ticks, by stream
        self.reached = 0.0  # seconds, the latest end of any packet

    def retime(self, packet: AnyPacket) -> None:
        """Shift the packet's times in place."""
        pts, dts, index = packet.pts, packet.dts, packet.stream_index
        stamp = pts if dts is None else dts
        if stamp is None:
            return
        if index not in self._shifts:
            self._scales[index] = float(packet.time_base)
            self._shifts[index] = -round(self._start / packet.time_base)
        shift = self._shifts[index]
        expected = self._ends.get(index, stamp + shift)
        step = (stamp + shift - expected) * self._scales[index]
        beyond = (stamp + shift) * self._scales[index] > self._limit
        if step < -_JUMP or (beyond and step > _JUMP):
            shift = self._shifts[index] = expected - stamp
        end = self._ends[index] = stamp + shift + (packet.duration or 0)
        self.reached = max(self.reached, end * self._scales[index])
        if shift:
            packet.pts = None if pts is None else pts + shift
            packet.dts = None if dts is None else dts + shift
