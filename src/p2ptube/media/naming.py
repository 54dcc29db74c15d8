"""Pure: titles from file names, and names for the files that an import writes."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

MAX_NAME_BYTES = 255
MAX_TITLE = 500

_SUFFIX = ".mp4"


def clean_title(text: str) -> str:
    """One line without control characters, at most MAX_TITLE characters."""
    # Bytes of a file name that are no UTF-8 are lone surrogates here; they cannot be sent.
    text = text.encode("utf-8", "replace").decode("utf-8")
    kept = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join(kept.split())[:MAX_TITLE].strip()


def title_from_name(path: PurePath) -> str:
    """A readable title: the file name without its suffix, `_` and `.` read as spaces."""
    stem = path.stem
    if " " not in stem:  # where there are spaces already, a dot is meant as one
        stem = stem.replace("_", " ").replace(".", " ")
    return clean_title(stem) or clean_title(path.name) or "Video"


def output_name(source: PurePath, number: int = 1) -> str:
    """The name of the MP4 made from `source`: its stem, ` (number)` beyond the first, `.mp4`.

    The result is a plain file name of at most MAX_NAME_BYTES bytes.
    """
    stem = source.stem.encode("utf-8", "replace").decode("utf-8")
    stem = "".join("_" if c in "/\\" or ord(c) < 32 or ord(c) == 127 else c for c in stem)
    suffix = (f" ({number})" if number > 1 else "") + _SUFFIX
    room = MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + suffix
