"""FFmpeg filter graphs: pictures made upright, even and 8 bit; sound resampled, gaps filled."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.filter import Graph

from .probe import MediaInfo

_UPRIGHT = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}  # arguments of `transpose`


def picture_graph(
    frame: av.VideoFrame, info: MediaInfo, size: tuple[int, int], pixel_format: str = "yuv420p"
) -> Graph:
    """A graph that turns frames like `frame` into `size` pixels, upright and progressive."""
    graph = Graph()
    nodes = [
        graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
            f":time_base={frame.time_base}:colorspace={_number(frame.colorspace, 2)}"
            f":range={_number(frame.color_range, 0)}",
        )
    ]
    if info.interlaced:
        nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
    nodes += [graph.add("transpose", way) for way in _UPRIGHT.get(info.rotation, ())]
    scale = f"{size[0]}:{size[1]}:flags=bicubic"
    if pixel_format == "yuvj420p":  # JPEG is always full range, BT.601
        scale += ":out_range=pc:out_color_matrix=bt601"
    elif frame.format.is_rgb:
        scale += ":out_range=tv:out_color_matrix=bt709"
    else:
        scale += ":out_range=tv"
    nodes += [graph.add("scale", scale), graph.add("setsar", "1")]
    nodes += [graph.add("format", pixel_format), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure(auto_buffer=False)
    return graph


def sound_graph(frame: av.AudioFrame, rate: int, layout: str) -> Graph:
    """A graph that turns frames like `frame` into `layout` at `rate` Hz."""
    graph = Graph()
    graph.link_nodes(
        graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format,
            layout=frame.layout,
            time_base=frame.time_base,
        ),
        graph.add("aresample", f"{rate}:async=1"),
        graph.add("aformat", f"sample_fmts=fltp:sample_rates={rate}:channel_layouts={layout}"),
        graph.add("abuffersink"),
    ).configure(auto_buffer=False)
    return graph


def drain(graph: Graph) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Yield the frames that `graph` has ready."""
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _number(value: int, unknown: int) -> int:
    return value if 0 <= value < 64 else unknown
