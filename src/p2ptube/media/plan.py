"""Pure: decides what an import does with each stream, and computes its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .probe import MediaInfo

MAX_SIDE = 3840  # pixels; larger pictures are made smaller, few devices decode more in H.264

_PLAYABLE_VIDEO = frozenset({"h264", "vp9", "av1"})
_PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_PLAYABLE_AUDIO = frozenset({"", "aac", "mp3", "opus", "flac"})
_PLAYABLE_AAC = frozenset({"", "LC", "HE-AAC", "HE-AACv2"})
# An AVI file has no presentation times: those of reordered pictures would be wrong in an MP4.
_WITHOUT_TIMES = frozenset({"avi", "h264", "hevc", "mpegvideo", "m4v"})
# Formats whose header tells a duration, so that a file that ends before it was cut off.
_TELLS_DURATION = frozenset({"mp4", "mov", "matroska", "avi", "flv", "asf"})

MISSING_SHARE = 0.05
MISSING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the file and of its streams."""

    in_place: bool
    video: Literal["copy", "transcode"]
    audio: Literal["copy", "transcode", "none"]

    @property
    def stage(self) -> Literal["copy", "transcode"]:
        """The name of the work, for its reports."""
        return "transcode" if "transcode" in {self.video, self.audio} else "copy"

    @property
    def without_copying(self) -> Plan:
        """The plan for a file whose streams turn out to be no good for an MP4."""
        return Plan(False, "transcode", "none" if self.audio == "none" else "transcode")


def decide(info: MediaInfo) -> Plan:
    """Share in place what every browser plays as it is; copy streams where they allow it."""
    copy_video = (
        info.video_codec in _PLAYABLE_VIDEO
        and info.pixel_format in _PLAYABLE_PIXELS
        and has_frame_times(info)
    )
    copy_audio = info.audio_codec in _PLAYABLE_AUDIO and (
        info.audio_codec != "aac" or info.audio_profile in _PLAYABLE_AAC
    )
    whole = info.container == "mp4" and info.faststart and info.tidy and not info.fragmented
    return Plan(
        in_place=whole and copy_video and copy_audio,
        video="copy" if copy_video else "transcode",
        audio="none" if not info.audio_codec else "copy" if copy_audio else "transcode",
    )


def target_size(info: MediaInfo) -> tuple[int, int]:
    """Width and height after transcoding: upright, square pixels, even, at most MAX_SIDE."""
    scale = min(1.0, MAX_SIDE / max(info.width, info.height, 1))
    return _even(info.width * scale), _even(info.height * scale)


def target_rate(info: MediaInfo) -> Fraction:
    """Frames per second that the encoder is told to expect."""
    return min(max(info.frame_rate, Fraction(1)), Fraction(240)).limit_denominator(1001)


def has_frame_times(info: MediaInfo) -> bool:
    """Whether the container tells when each frame is shown, not only when it is decoded."""
    return info.container not in _WITHOUT_TIMES


def cut_off(info: MediaInfo, seconds: float) -> bool:
    """Whether a file of which only `seconds` could be read lacks too much of what it promised."""
    missing = info.duration - seconds
    return (
        info.container in _TELLS_DURATION
        and missing > MISSING_SECONDS
        and missing > MISSING_SHARE * info.duration
    )


def _even(value: float) -> int:
    return max(int(value) // 2 * 2, 2)
