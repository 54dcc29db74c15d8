"""Pure: captions as WebVTT (https://www.w3.org/TR/webvtt1/), read from anybody, written plainly.

What is read is text and times alone: styles, regions, settings and tags of a file from the network
go no further.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import DamagedMedia

MAX_BYTES = 1024 * 1024  # of a file
MAX_CUES = 20_000
MAX_TEXT = 2000  # characters of a cue
MAX_MS = 1000 * 3600 * 1000

_SIGNATURE = re.compile(r"WEBVTT(?=[ \t\n]|\Z)")
_TIME = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}(?=[ \t]|\Z)")
_TAG = re.compile(r"<[^>]*>?")
_LINE_END = re.compile(r"\r\n?")
# Controls but the line feed; separators that some take for the end of a line; lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A text that is shown from `start` to `end`, both in milliseconds. Made by `cue`."""

    start: int
    end: int
    text: str


def cue(start: int, end: int, text: str) -> Cue | None:
    """A cue of plain text; None where nothing of it would be seen."""
    lines = (" ".join(_UNPRINTABLE.sub(" ", line).split()) for line in text.split("\n"))
    clean = "\n".join(line for line in lines if line)[:MAX_TEXT].strip()
    start, end = max(start, 0), min(end, MAX_MS)
    return Cue(start, end, clean) if clean and start < end else None


def encode(cues: Iterable[Cue]) -> bytes:
    """The file with these cues, in the order of their times."""
    blocks = ["WEBVTT\n"]
    for each in sorted(cues):
        text = html.escape(each.text, quote=False)
        blocks.append(f"{_stamp(each.start)} --> {_stamp(each.end)}\n{text}\n")
    return "\n".join(blocks).encode()


def decode(data: bytes) -> tuple[Cue, ...]:
    """The cues of a file, in the order of their times; those that are malformed are left out.

    Raises DamagedMedia where it is no WebVTT, or too large.
    """
    if len(data) > MAX_BYTES:
        raise DamagedMedia(f"the captions are larger than {MAX_BYTES} bytes")
    text = _LINE_END.sub("\n", data.decode("utf-8", "replace").removeprefix("\ufeff"))
    if _SIGNATURE.match(text) is None:
        raise DamagedMedia("the captions are not WebVTT")
    found: list[Cue] = []
    lines = iter(text.split("\n"))
    line = next(lines, None)
    while line is not None and len(found) < MAX_CUES:
        times = _TIMING.match(line)
        line = next(lines, None)
        if times is None:
            continue
        payload = []
        while line and "-->" not in line:
            payload.append(line)
            line = next(lines, None)
        start, end = _milliseconds(times.groups()[:4]), _milliseconds(times.groups()[4:])
        made = cue(start, end, html.unescape(_TAG.sub("", "\n".join(payload))))
        if made is not None:
            found.append(made)
    return tuple(sorted(found))


def _stamp(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, rest = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
