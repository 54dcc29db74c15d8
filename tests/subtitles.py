"""Makes videos with subtitles: a clip, and tracks of text beside its pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import SubtitleSet

ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&Hffffff

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class Subtitles(NamedTuple):
    """A track: its language (ISO 639-2), FFmpeg's name of its format, and the text in it."""

    language: str
    kind: str  # srt | ass | webvtt
    text: str


def srt(*lines: str) -> str:
    """A cue per line, a second each, from the first second on."""
    return "\n".join(
        f"{n}\n00:00:{n:02},000 --> 00:00:{n + 1:02},000\n{line}\n"
        for n, line in enumerate(lines, start=1)
    )


def ass(*lines: str) -> str:
    """The same with the markup of ASS."""
    return ASS + "".join(
        f"Dialogue: 0,0:00:{n:02}.00,0:00:{n + 1:02}.00,Default,,0,0,0,,{line}\n"
        for n, line in enumerate(lines, start=1)
    )


def add_subtitles(clip: Path, target: Path, tracks: Sequence[Subtitles]) -> Path:
    """Write `clip` with these tracks to `target`, an MKV, and return it."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        packets = _retargeted(source, out)
        for track in tracks:
            with av.open(io.BytesIO(track.text.encode()), "r", format=track.kind) as text:
                stream = out.add_stream_from_template(text.streams[0])
                stream.metadata["language"] = track.language
                for packet in text.demux():
                    if packet.dts is not None:
                        packet.stream = stream
                        packets.append(packet)
        for packet in sorted(packets, key=lambda each: (each.dts or 0) * each.time_base):
            out.mux_one(packet)
    return target


def add_movie_text(clip: Path, target: Path, language: str, *lines: str) -> Path:
    """The same with a track of the kind that is in MP4 files; `moov` stays in front."""
    options = {"movflags": "+faststart"}
    with av.open(str(clip)) as source, av.open(str(target), "w", container_options=options) as out:
        packets = _retargeted(source, out)
        stream = out.add_stream("mov_text")
        assert isinstance(stream, SubtitleStream)
        stream.metadata["language"] = language
        stream.codec_context.subtitle_header = ASS.encode()
        stream.codec_context.time_base = Fraction(1, 1000)
        for n, line in enumerate(lines, start=1):
            said = SubtitleSet.create(f"0,0,Default,,0,0,0,,{line}".encode(), 0, 1000)
            packet = stream.codec_context.encode_subtitle(said)
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = n * 1000
            packet.duration = 1000
            packet.stream = stream
            packets.append(packet)
        for packet in sorted(packets, key=lambda each: (each.dts or 0) * each.time_base):
            out.mux_one(packet)
    return target


def _retargeted(
    source: av.container.InputContainer, out: av.container.OutputContainer
) -> list[av.Packet[Any]]:
    outputs = {each.index: out.add_stream_from_template(each) for each in source.streams}
    packets = [packet for packet in source.demux() if packet.dts is not None]
    for packet in packets:
        packet.stream = outputs[packet.stream_index]
    return packets
