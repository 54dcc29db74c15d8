"""Makes the clip of the demonstration: a moving test picture and a tone, from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import av
from av.filter import Graph

from ..errors import Cancelled

WIDTH, HEIGHT, RATE = 640, 360, 25
SAMPLE_RATE = 48_000
VIDEO_BITS, AUDIO_BITS = 1_200_000, 96_000  # per second
QUICK = {"preset": "ultrafast", "g": str(2 * RATE)}
SOUND_CHUNK = 1024  # samples of an AAC frame


def make_clip(path: Path, seconds: int, stopped: Callable[[], bool]) -> None:
    """Write an MP4 (H.264, AAC, `moov` in front) that every browser plays.

    `stopped` is asked once per picture. Raises Cancelled when it says so.
    """
    with av.open(str(path), "w", container_options={"movflags": "+faststart"}) as out:
        picture = out.add_stream("libx264", rate=RATE, options=QUICK)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        picture.bit_rate = VIDEO_BITS
        sound = out.add_stream("aac", rate=SAMPLE_RATE)
        sound.layout, sound.bit_rate = "stereo", AUDIO_BITS
        tone = _tone(seconds)
        heard = 0.0
        for frame in _pictures(seconds):
            if stopped():
                raise Cancelled("the clip was not finished")
            # Sound and pictures in turns, so that a player has both wherever it begins.
            while heard <= frame.time and (samples := next(tone, None)) is not None:
                out.mux(sound.encode(samples))
                heard = (samples.time or 0.0) + samples.samples / SAMPLE_RATE
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for samples in tone:
            out.mux(sound.encode(samples))
        out.mux(sound.encode(None))


def _pictures(seconds: int) -> Iterator[av.VideoFrame]:
    graph = Graph()
    graph.link_nodes(
        graph.add("testsrc2", f"size={WIDTH}x{HEIGHT}:rate={RATE}:duration={seconds}"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    for frame in _pull(graph):
        if isinstance(frame, av.VideoFrame):
            yield frame


def _tone(seconds: int) -> Iterator[av.AudioFrame]:
    graph = Graph()
    graph.link_nodes(
        graph.add(
            "sine",
            f"frequency=330:beep_factor=2:sample_rate={SAMPLE_RATE}:duration={seconds}"
            f":samples_per_frame={SOUND_CHUNK}",
        ),
        graph.add("volume", "0.3"),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ).configure()
    for frame in _pull(graph):
        if isinstance(frame, av.AudioFrame):
            yield frame


def _pull(graph: Graph) -> Iterator[av.VideoFrame | av.AudioFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return
