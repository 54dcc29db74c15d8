"""Videos with different looks and titles, made from the camera clips and from FFmpeg's sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from tests.clips import camera_clip, make_clip

SIZE = (854, 480)
_SCALE = "scale=854:480:force_original_aspect_ratio=increase,crop=854:480,setsar=1"


@dataclass(frozen=True)
class Sample:
    """A file, and what is said about it."""

    path: Path
    title: str
    description: str = ""


@dataclass(frozen=True)
class _Look:
    title: str
    source: str  # a camera clip, or a source of FFmpeg
    seconds: int
    rate: int = 25
    chain: str = ""  # filters
    description: str = ""


_BUNNY = "bigbuckbunny.mp4"
_BIKES = "bikes.mp4"
_LOOKS = (
    _Look(
        "Big Buck Bunny",
        _BUNNY,
        70,
        description="A large and gentle rabbit meets three small bullies. The opening, again and "
        "again.\n\n© Blender Foundation, peach.blender.org, CC BY 3.0",
    ),
    _Look("Mandelbrot zoom, two minutes deep", "mandelbrot", 120, 3),
    _Look("Game of Life in the small hours", "life", 200, 3, "scale=854:480:flags=neighbor"),
    _Look("Bikes in the city", _BIKES, 40, description="Waiting for the green light."),
    _Look("Colours to fall asleep to", "gradients", 600, 1),
    _Look("Sierpinski, all the way down", "sierpinski", 90, 3),
    _Look(
        "Holiday in the hills",
        _BUNNY,
        48,
        chain="crop=iw*0.5:ih*0.5:0:0,hflip",
        description="The second week of July. Somebody did not want to get up.",
    ),
    _Look(
        "Crossing the street in the fifties",
        _BIKES,
        55,
        chain="hue=s=0,crop=iw*0.6:ih*0.6",
        description="From grandfather's boxes, digitised at last.",
    ),
    _Look("Test card with tone", "testsrc2", 30),
)


def samples(directory: Path) -> Iterator[Sample]:
    """Make the videos, one after the other, but for those that are in the directory."""
    for look in _LOOKS:
        path = directory / f"{look.title}.mp4"
        if not path.exists():
            _render(path, look)
        yield Sample(path, look.title, look.description)


def birthday(directory: Path) -> Path:
    """A video that takes its time to import."""
    path = directory / "Grandma's 80th birthday.avi"
    if not path.exists():
        make_clip(path, seconds=240, size=(640, 360), video="mpeg4", audio="libmp3lame")
    return path


def _render(path: Path, look: _Look) -> None:
    graph = Graph()
    if look.source.endswith(".mp4"):
        graph_source = graph.add("movie", f"filename={camera_clip(look.source)}:loop=0")
        first = [graph.add("setpts", f"N/{look.rate}/TB")]
    else:
        width, height = (320, 180) if look.source == "life" else SIZE
        options = f"size={width}x{height}:rate={look.rate}"
        graph_source, first = graph.add(look.source, options), []
    filters = [each for each in f"{look.chain},{_SCALE}".split(",") if each]
    chain = [graph.add(*each.partition("=")[::2]) for each in filters]
    sink = graph.add("buffersink")
    graph.link_nodes(graph_source, *first, *chain, graph.add("format", "yuv420p"), sink).configure()
    with av.open(str(path), "w", container_options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=look.rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = 700_000
        for number in range(look.seconds * look.rate):
            frame = graph.pull()
            assert isinstance(frame, av.VideoFrame)
            frame.pict_type = 0
            frame.pts, frame.time_base = number, Fraction(1, look.rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
