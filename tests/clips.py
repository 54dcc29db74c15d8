"""Makes real media files for tests: moving pictures and a tone, encoded with PyAV.

Each clip is encoded once, and kept in the virtual environment: the caller gets a copy of its own.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import av
from av.filter import Graph

ROOT = Path(__file__).resolve().parent.parent
CAMERA_CLIPS = ROOT / ".venv" / "test-clips"
MADE_CLIPS = CAMERA_CLIPS / "made"

SAMPLE_RATE = 48_000

_FRAGMENTED = "+frag_keyframe+empty_moov+default_base_moof"

# What makes each encoder quick; the tests look at formats, not at beauty.
_QUICK = {
    "libx264": {"preset": "ultrafast", "g": "50"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=50"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "g": "50"},
    "libsvtav1": {"preset": "12", "g": "50"},
}

Options = ParamSpec("Options")
Maker = Callable[Concatenate[Path, Options], Path]


def made_once(make: Maker[Options]) -> Maker[Options]:
    """What is made depends on the options and on the suffix of the path, and on nothing else."""
    maker = hashlib.sha256(Path(__file__).read_bytes() + av.__version__.encode()).hexdigest()

    @functools.wraps(make)
    def copied(path: Path, /, *args: Options.args, **options: Options.kwargs) -> Path:
        what = repr((maker, make.__name__, path.suffix, args, sorted(options.items())))
        kept = MADE_CLIPS / (hashlib.sha256(what.encode()).hexdigest()[:32] + path.suffix)
        if not kept.exists():
            MADE_CLIPS.mkdir(parents=True, exist_ok=True)
            # Other processes may make the same at the same time: the last one stays.
            unfinished = kept.with_name(f"{os.getpid()}-{kept.name}")
            try:
                make(unfinished, *args, **options)
                unfinished.replace(kept)
            finally:
                unfinished.unlink(missing_ok=True)
        shutil.copyfile(kept, path)
        return path

    return copied


@contextlib.contextmanager
def same_priority() -> Iterator[None]:
    """Afterwards this thread is scheduled as before.

    SVT-AV1 gives whoever uses it as root the priority of real time, for good: it and all that it
    starts would keep every other process from a core, whenever it has something to do.
    """
    if not hasattr(os, "sched_getscheduler"):  # nor could anything change it
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


@made_once
def make_clip(
    path: Path,
    *,
    seconds: float = 20,
    size: tuple[int, int] = (640, 360),
    fps: int = 25,
    video: str | None = "libx264",
    audio: str | None = "aac",
    pixel_format: str = "yuv420p",
    channels: str = "stereo",
    sample_rate: int = SAMPLE_RATE,
    faststart: bool = False,
    fragmented: bool = False,
    bit_rate: int | None = None,
    title: str | None = None,
    rotation: int = 0,
    aspect: tuple[int, int] = (1, 1),
    picture: str = "testsrc2",
    container: str | None = None,
    video_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip of `seconds` seconds to `path` and return it.

    `video` and `audio` are names of encoders; the format follows the suffix, or `container`.
    `rotation` is in degrees counter-clockwise, `aspect` that of a pixel; `picture` is a source
    filter of FFmpeg.
    """
    flags = "+faststart" if faststart else _FRAGMENTED if fragmented else ""
    options = {"movflags": flags} if flags else {}
    with (
        same_priority(),
        av.open(str(path), "w", format=container, container_options=options) as out,
    ):
        if title is not None:
            out.metadata["title"] = title
        encoders = []
        if video is not None:
            encoder_options = {**_QUICK.get(video, {}), **(video_options or {})}
            stream = out.add_stream(video, rate=fps, options=encoder_options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt, stream.bit_rate = pixel_format, bit_rate or 0
            stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
            if rotation:
                stream.set_display_rotation(rotation)
            encoders.append(_pictures(stream, picture, fps, seconds))
        if audio is not None:
            sound = out.add_stream(audio, rate=sample_rate)
            assert isinstance(sound, av.AudioStream)
            sound.layout, sound.bit_rate = channels, 128_000
            encoders.append(_tone(sound, seconds))
        _interleave(out.mux, encoders)
    return path


@made_once
def make_uneven_clip(
    path: Path,
    *,
    seconds: float,
    flags: dict[str, str] | None = None,
    bit_rate: int = 2_000_000,
) -> Path:
    """Write a clip of which the first half is a still picture, and the second one is noise.

    `flags` are options of the container; `bit_rate` is about that of the second half.
    """
    graph = Graph()
    graph.link_nodes(
        graph.add("testsrc2", f"size=320x180:rate=25:duration={seconds}"),
        graph.add("loop", "loop=-1:size=1"),
        graph.add("trim", f"duration={seconds}"),
        graph.add("noise", f"alls=80:allf=t:enable='gte(t,{seconds / 2})'"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    codec = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
    options = {**_QUICK[codec], "g": "50", "maxrate": str(bit_rate), "bufsize": str(bit_rate)}
    with av.open(str(path), "w", container_options=flags or {}) as out:
        stream = out.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.bit_rate = 320, 180, bit_rate
        for frame in _frames(graph):
            assert isinstance(frame, av.VideoFrame)
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _interleave(
    mux: Callable[[list[av.Packet[Any]]], None],
    encoders: list[Iterator[tuple[float, list[av.Packet[Any]]]]],
) -> None:
    # Always the encoder that is behind goes on, as a recorder would do it.
    heads = dict.fromkeys(encoders, 0.0)
    while heads:
        encoder = min(heads, key=heads.__getitem__)
        try:
            heads[encoder], packets = next(encoder)
            mux(packets)
        except StopIteration:
            del heads[encoder]


def _pictures(
    stream: av.VideoStream, picture: str, fps: int, seconds: float
) -> Iterator[tuple[float, list[av.Packet[Any]]]]:
    graph = Graph()
    graph.link_nodes(
        graph.add(picture, f"size={stream.width}x{stream.height}:rate={fps}:duration={seconds}"),
        graph.add("format", stream.pix_fmt),
        graph.add("buffersink"),
    ).configure()
    for frame in _frames(graph):
        assert isinstance(frame, av.VideoFrame)
        frame.pict_type = 0
        yield frame.time, list(stream.encode(frame))
    yield 0.0, list(stream.encode(None))


def _tone(stream: av.AudioStream, seconds: float) -> Iterator[tuple[float, list[av.Packet[Any]]]]:
    context = stream.codec_context
    graph = Graph()
    graph.link_nodes(
        graph.add(
            "sine",
            f"frequency=440:beep_factor=4:sample_rate={context.sample_rate}:duration={seconds}",
        ),
        graph.add(
            "aformat", f"sample_fmts={context.format.name}:channel_layouts={context.layout.name}"
        ),
        graph.add("abuffersink"),
    ).configure()
    for frame in _frames(graph):
        assert isinstance(frame, av.AudioFrame)
        yield frame.time or 0.0, list(stream.encode(frame))
    yield 0.0, list(stream.encode(None))


def _frames(graph: Graph) -> Iterator[av.VideoFrame | av.AudioFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return


def make_large_mp4(path: Path, size_bytes: int, *, faststart: bool = False) -> Path:
    """Write a valid file of about `size_bytes` (MP4, or what the suffix says) and return it.

    Ten seconds of noisy 720p at about 6 Mbit/s are encoded once, then muxed again and again.
    """
    seed = _make_noisy(path.with_name(path.stem + ".seed.mp4"))
    try:
        _repeat(seed, path, max(1, size_bytes // seed.stat().st_size), faststart)
    finally:
        seed.unlink()
    return path


@made_once
def _make_noisy(path: Path) -> Path:
    graph = Graph()
    graph.link_nodes(
        graph.add("testsrc2", "size=1280x720:rate=30:duration=10"),
        graph.add("noise", "alls=20:allf=t"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"preset": "ultrafast", "g": "60"})
        stream.width, stream.height, stream.bit_rate = 1280, 720, 6_000_000
        sound = out.add_stream("aac", rate=SAMPLE_RATE)
        for frame in _frames(graph):
            assert isinstance(frame, av.VideoFrame)
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for _, packets in _tone(sound, 10):
            out.mux(packets)
    return path


def _repeat(seed: Path, path: Path, times: int, faststart: bool) -> None:
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(seed)) as source, av.open(str(path), "w", container_options=options) as out:
        outputs = [out.add_stream_from_template(s, opaque=True) for s in source.streams]
        bases = [stream.time_base or Fraction(1) for stream in source.streams]
        packets = [p for p in source.demux() if p.dts is not None and p.pts is not None]
        saved = [(p, p.stream_index, p.pts or 0, p.dts or 0, p.duration) for p in packets]
        # A bit longer than the seed: the last sound reaches beyond its end.
        starts = [[int(Fraction(10.25) * turn / base) for base in bases] for turn in range(times)]
        for start in starts:
            for packet, index, pts, dts, duration in saved:
                packet.time_base = bases[index]
                packet.pts, packet.dts = pts + start[index], dts + start[index]
                packet.duration = duration
                packet.stream = outputs[index]
                out.mux_one(packet)


def camera_clip(name: str) -> Path:
    """The camera clip `name` (`bigbuckbunny.mp4` or `bikes.mp4`), fetched where it is missing."""
    path = CAMERA_CLIPS / name
    if not path.exists():
        script = ROOT / "scripts" / "fetch-test-clips.sh"
        subprocess.run([str(script), str(CAMERA_CLIPS)], check=True, env=dict(os.environ))
    return path
