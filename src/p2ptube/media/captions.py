"""The captions of a video, as WebVTT: subtitles that are text, in its file or beside it."""

from __future__ import annotations

import glob
import io
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Discard
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from ..errors import P2PTubeError
from .languages import language_tag
from .probe import open_media
from .webvtt import MAX_BYTES, MAX_CUES, Cue, cue, encode

log = logging.getLogger(__name__)

MAX_LANGUAGES = 32

# Those that are text; others are pictures, which WebVTT cannot hold.
_TEXT_CODECS = frozenset({"ass", "mov_text", "ssa", "srt", "subrip", "text", "webvtt"})
_BESIDE = {".srt": "srt", ".vtt": "webvtt", ".ass": "ass", ".ssa": "ass"}  # suffix: FFmpeg's format
MAX_FILE_BYTES = 4 * MAX_BYTES  # of a file of subtitles
_DRAWING = re.compile(r"\\p[1-9]")
_OVERRIDE = re.compile(r"\{[^}]*\}?")
_NO_DURATION_MS = 5000


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions in a language (a BCP 47 tag, `und` where it is not known), as a WebVTT file."""

    language: str
    webvtt: bytes


def find_captions(path: Path) -> tuple[Captions, ...]:
    """The captions of the video `path`, one per language, at most MAX_LANGUAGES. Never raises.

    Files beside it - `film.srt`, `film.en.vtt` for `film.mkv` - go before what is in it; of
    several streams of a language, the one that says most is taken.
    """
    found: dict[str, Captions] = {}
    for language, cues in [*_beside(path), *_inside(path)]:
        if language not in found and len(found) < MAX_LANGUAGES:
            data = encode(cues[:MAX_CUES])
            if len(data) <= MAX_BYTES:
                found[language] = Captions(language, data)
            else:
                log.info("the captions %r of %s are too large", language, path.name)
    return tuple(found.values())


def convert_files(
    files: Sequence[tuple[str, bytes]], report: Callable[[float], None]
) -> tuple[bytes | None, ...]:
    """Files of subtitles, each a suffix (such as `.srt`) and its bytes, as WebVTT.

    None where nothing can be read of one. For a worker process: they may be a stranger's.
    """
    converted = []
    for number, (suffix, data) in enumerate(files, start=1):
        converted.append(_converted(suffix, data))
        report(number / len(files))
    return tuple(converted)


def _converted(suffix: str, data: bytes) -> bytes | None:
    try:
        found = _of_text(data, _BESIDE[suffix.lower()])
    except (av.FFmpegError, KeyError, OSError, ValueError) as error:
        log.info("no captions in a file %s: %s", suffix, error)
        return None
    webvtt = encode(found[0][1][:MAX_CUES]) if found else b""
    return webvtt if 0 < len(webvtt) <= MAX_BYTES else None


def _inside(path: Path) -> list[tuple[str, list[Cue]]]:
    try:
        with open_media(path) as container:
            return _of_container(container)
    except (P2PTubeError, av.FFmpegError, OSError, ValueError) as error:
        log.info("no captions in %s: %s", path.name, error)
        return []


def _beside(path: Path) -> list[tuple[str, list[Cue]]]:
    found = []
    try:
        siblings = sorted(path.parent.glob(f"{glob.escape(path.stem)}.*"))
    except OSError:
        return []
    for sibling in siblings:
        kind = _BESIDE.get(sibling.suffix.lower())
        said = sibling.stem[len(path.stem) :].lstrip(".")
        if kind is None or "." in said:
            continue
        for language, cues in _of_file(sibling, kind):
            found.append((language_tag(said) if said else language, cues))
    return found


def _of_file(path: Path, kind: str) -> list[tuple[str, list[Cue]]]:
    try:
        if not path.is_file():  # the open of a FIFO would wait for ever
            raise ValueError("no file")
        with path.open("rb") as file:
            return _of_text(file.read(MAX_FILE_BYTES + 1), kind)
    except (av.FFmpegError, OSError, ValueError) as error:
        log.info("no captions in %s: %s", path.name, error)
        return []


def _of_text(data: bytes, kind: str) -> list[tuple[str, list[Cue]]]:
    if len(data) > MAX_FILE_BYTES:
        raise ValueError("too large")
    with _open_text(_as_utf8(data), kind) as container:
        return _of_container(container)


def _as_utf8(data: bytes) -> bytes:
    """What text editors write: UTF-8, UTF-16 with its mark, or the Windows code page."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode()
    try:
        return data.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").encode()


@contextmanager
def _open_text(data: bytes, kind: str) -> Iterator[InputContainer]:
    with av.open(io.BytesIO(data), mode="r", format=kind, metadata_errors="replace") as container:
        yield container


def _of_container(container: InputContainer) -> list[tuple[str, list[Cue]]]:
    """Language and cues of each stream that is text, those with most cues first."""
    streams = {s.index: s for s in container.streams.subtitles if _is_text(s)}
    if not streams:
        return []
    for other in container.streams:
        if other.index not in streams:
            other.discard = Discard.all  # what is skipped need not be read from the disk
    cues: dict[int, list[Cue]] = {index: [] for index in streams}
    shift = (container.start_time or 0) * 1000 // av.time_base
    for packet in container.demux(tuple(streams.values())):
        if not packet.size or packet.pts is None:  # PyAV marks the end of each stream so
            continue
        stream, known = streams[packet.stream_index], cues[packet.stream_index]
        if len(known) < MAX_CUES:
            start = int(packet.pts * packet.time_base * 1000) - shift
            length = int((packet.duration or 0) * packet.time_base * 1000)
            for text in _texts(stream, packet):
                made = cue(start, start + (length or _NO_DURATION_MS), text)
                if made is not None:
                    known.append(made)
    said = [(language_tag(streams[i].language), sorted(found)) for i, found in cues.items()]
    return sorted((each for each in said if each[1]), key=lambda each: -len(each[1]))


def _is_text(stream: SubtitleStream) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in _TEXT_CODECS


def _texts(stream: SubtitleStream, packet: av.Packet[SubtitleStream]) -> list[str]:
    """What a packet says, without its markup. FFmpeg hands every kind of text on as ASS."""
    try:
        said = [each.dialogue for each in stream.decode(packet) if isinstance(each, AssSubtitle)]
    except av.FFmpegError as error:
        log.debug("a subtitle cannot be read: %s", error)
        return []
    texts = (each.decode("utf-8", "replace") for each in said)
    return [_plain(text) for text in texts if not _DRAWING.search(text)]


def _plain(text: str) -> str:
    return _OVERRIDE.sub("", text).replace("\\h", " ").replace("\\n", "\n")
