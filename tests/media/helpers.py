from __future__ import annotations

import hashlib
import os
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from p2ptube.media.boxes import Layout, read_layout
from p2ptube.media.progress import Progress

SECONDS = 4.0

_REORDERED = {"preset": "veryfast", "bf": "3"}

# Keyword arguments of make_clip, by file name.
CLIPS: dict[str, dict[str, Any]] = {
    "end.mp4": {"seconds": 20},
    "end.mkv": {"seconds": 20},
    "end.ts": {"seconds": 20},
    "front.mp4": {"seconds": SECONDS, "faststart": True, "title": "Front & centre"},
    "silent.mp4": {"seconds": SECONDS, "faststart": True, "audio": None},
    "mp3.mp4": {"seconds": SECONDS, "faststart": True, "audio": "libmp3lame"},
    "fragmented.mp4": {"seconds": SECONDS, "fragmented": True},
    "reordered.mp4": {"seconds": SECONDS, "video_options": _REORDERED},
    "reordered.mkv": {"seconds": SECONDS, "video_options": _REORDERED},
    "reordered.ts": {"seconds": SECONDS, "video_options": _REORDERED},
    "reordered.avi": {
        "seconds": SECONDS,
        "video_options": _REORDERED,
        "audio": "libmp3lame",
    },
    "hevc.mkv": {"seconds": SECONDS, "video": "libx265", "audio": "libopus"},
    "vp9.mkv": {"seconds": SECONDS, "video": "libvpx-vp9", "audio": "libopus"},
    "vp9.webm": {"seconds": SECONDS, "video": "libvpx-vp9", "audio": "libopus"},
    "av1.mkv": {"seconds": SECONDS, "video": "libsvtav1", "audio": "flac"},
    "mpeg4.avi": {"seconds": SECONDS, "video": "mpeg4", "audio": "libmp3lame"},
    "mpeg2.mpg": {"seconds": SECONDS, "video": "mpeg2video", "audio": "mp2"},
    "pcm.mov": {"seconds": SECONDS, "audio": "pcm_s16le"},
    "sorenson.flv": {
        "seconds": SECONDS,
        "video": "flv",
        "audio": "libmp3lame",
        "sample_rate": 44_100,
    },
    "windows.wmv": {"seconds": SECONDS, "video": "wmv2", "audio": "wmav2"},
    "animation.gif": {
        "seconds": SECONDS,
        "video": "gif",
        "audio": None,
        "pixel_format": "rgb8",
        "size": (320, 180),
    },
    "old.ogv": {"seconds": SECONDS, "video": "libvpx", "audio": "libopus"},
    "surround.mkv": {"seconds": SECONDS, "audio": "ac3", "channels": "5.1"},
    "mono.mkv": {"seconds": SECONDS, "audio": "pcm_s16le", "channels": "mono"},
    "ten-bit.mkv": {"seconds": SECONDS, "pixel_format": "yuv420p10le"},
    "chroma444.mp4": {"seconds": SECONDS, "pixel_format": "yuv444p", "faststart": True},
    "odd.mkv": {"seconds": SECONDS, "video": "ffv1", "audio": "flac", "size": (333, 251)},
    "turned.mp4": {"seconds": SECONDS, "rotation": 90},
    "turned.mkv": {"seconds": SECONDS, "video": "mpeg4", "rotation": 90},
    "Ein schöner Film, 映画 (1).mkv": {"seconds": SECONDS},
    "sound.m4a": {"seconds": 2, "video": None, "container": "mp4"},
    "sound.mp3": {"seconds": 2, "video": None, "audio": "libmp3lame"},
    "black.mkv": {"seconds": 2, "picture": "color", "audio": None},
    "long.mkv": {"seconds": 30, "video": "mpeg4", "size": (1280, 720)},
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What comes of decoding a whole file: counts, and the times that frames and samples span."""

    frames: int
    seconds: float
    size: tuple[int, int]
    rotation: int
    pixel_format: str
    keyframe_gap: float
    sound_seconds: float
    channels: int


def decode_all(path: Path) -> Decoded:
    """Decode every packet; any error escapes. Also checks that frames come in order."""
    times: list[float] = []
    keys: list[float] = []
    samples = rate = channels = 0
    shape: tuple[tuple[int, int], int, str] = ((0, 0), 0, "")
    with av.open(str(path)) as container:
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    assert frame.time is not None
                    times.append(frame.time)
                    if frame.key_frame:
                        keys.append(frame.time)
                    shape = ((frame.width, frame.height), frame.rotation, frame.format.name)
                elif isinstance(frame, av.AudioFrame):
                    samples += frame.samples
                    rate, channels = frame.sample_rate, frame.layout.nb_channels
    assert times == sorted(set(times))
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    gaps = [b - a for a, b in zip(keys, [*keys[1:], times[-1]], strict=True)]
    return Decoded(
        frames=len(times),
        seconds=times[-1] - times[0] + step,
        size=shape[0],
        rotation=shape[1],
        pixel_format=shape[2],
        keyframe_gap=max(gaps),
        sound_seconds=samples / rate if rate else 0.0,
        channels=channels,
    )


def layout_of(path: Path) -> Layout:
    """The boxes of an MP4."""
    data = path.read_bytes()
    return read_layout(lambda offset, length: data[offset : offset + length], len(data))


def moov(*, frames: int, per_chunk: int, size: int, rate: int) -> bytes:
    """An MP4 without its media: frames of `size` bytes, `rate` a second, in chunks of some."""

    def box(kind: bytes, *content: bytes) -> bytes:
        data = b"".join(content)
        return struct.pack(">I4s", 8 + len(data), kind) + data

    def full(kind: bytes, *numbers: int) -> bytes:
        return box(kind, bytes(4), struct.pack(f">{len(numbers)}I", *numbers))

    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = bytes(6) + struct.pack(">H16xHH50x", 1, 320, 180)
    chunks = [per_chunk * size * number for number in range(frames // per_chunk)]
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), box(b"mp4v", entry)),
        full(b"stts", 1, frames, 1),
        full(b"stsc", 1, 1, per_chunk, 1),
        full(b"stsz", size, frames),
        full(b"stco", len(chunks), *(4096 + chunk for chunk in chunks)),
    )
    media = box(
        b"mdia",
        full(b"mdhd", 0, 0, rate, frames, 0),
        box(b"hdlr", struct.pack(">II4s12xB", 0, 0, b"vide", 0)),
        box(b"minf", table),
    )
    track = box(
        b"trak",
        box(b"tkhd", struct.pack(">6I16x", 3, 0, 0, 1, 0, frames), unity, struct.pack(">8x")),
        media,
    )
    head = box(b"mvhd", struct.pack(">5I16x", 0, 0, 0, rate, frames), unity, bytes(28))
    return box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"moov", head, track)


def digest(path: Path) -> str:
    """SHA-256 of the file, to see that nobody changed it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listing(directory: Path) -> list[str]:
    """All names below `directory`, hidden ones too."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def cut(source: Path, target: Path, share: float) -> Path:
    """Copy the first `share` (0..1) of the bytes."""
    shutil.copyfile(source, target)
    os.truncate(target, int(source.stat().st_size * share))
    return target


# Work for worker processes: importable by name.


def add(a: int, b: int, report: Callable[[Progress], None]) -> int:
    report(Progress("probe", 0.5))
    return a + b


def shout(report: Callable[[Progress], None]) -> str:
    print("to stdout from Python")
    os.write(1, b"to stdout from C\n")
    os.write(2, b"to stderr\n")
    return "quiet"


def fail(error: BaseException, report: Callable[[Progress], None]) -> None:
    raise error


def state(report: Callable[[Progress], None]) -> tuple[int, int, bool]:
    import sys

    return os.getpid(), os.nice(0), "pytest" in sys.modules


def unpicklable(report: Callable[[Progress], None]) -> object:
    return lambda: None


def wait_forever(report: Callable[[Progress], None]) -> None:
    report(os.getpid())  # type: ignore[arg-type]
    while True:
        time.sleep(3600)


def end_at_once(code: int, report: Callable[[Progress], None]) -> None:
    os._exit(code)


def import_with_limit(
    source: Path, directory: Path, limit: int, report: Callable[[Progress], None]
) -> object:
    """Import where no file may grow beyond `limit` bytes."""
    import resource

    from p2ptube.media.convert import import_media

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return import_media(source, directory, report)


def import_as_nobody(source: Path, directory: Path, report: Callable[[Progress], None]) -> object:
    """Import without the rights of root."""
    from p2ptube.media.convert import import_media

    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    return import_media(source, directory, report)
