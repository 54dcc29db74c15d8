"""Which file of a torrent, and which subtitles: listed, named by an option, or asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, NoHolder, P2PTubeError
from ..media.languages import UNKNOWN
from .client import Api
from .keyboard import read_line
from .output import Output, safe, size

FILE_HEADS = ("#", "Kind", "Size", "Language", "Name")
MOST_ASKED = 30  # files of which a person is asked to choose one
AGAIN_SECONDS = 1.0


def named_file(text: str | None) -> int | str | None:
    """What `--file` says, as the API takes it: people count from 1, it counts from 0."""
    if text is None:
        return None
    return int(text) - 1 if text.isascii() and text.isdigit() and int(text) > 0 else text


def file_rows(files: Sequence[Any]) -> list[tuple[str, ...]]:
    """The cells of the files, as `--list` prints them."""
    return [
        (str(f["index"] + 1), f["kind"], size(f["size"]), f["language"], f["path"]) for f in files
    ]


async def files_of(api: Api, output: Output, video: Any) -> list[Any]:
    """The files of a video's torrent, however long it takes until somebody tells them."""
    told = False
    while True:
        try:
            files: list[Any] = await api.get(f"videos/{video['id']}/files")
            return files
        except NoHolder:
            if not told:
                told = True
                output.note("waiting for somebody who has this torrent (Ctrl-C ends it)")
            await asyncio.sleep(AGAIN_SECONDS)


async def asked_file(output: Output, files: Sequence[Any]) -> int | None:
    """The index of the video that a person at the terminal chooses.

    None where there is nothing to choose, or nobody to ask.
    """
    videos = [file for file in files if file["kind"] == "video" and file["size"] > 0]
    if len(videos) < 2 or not output.for_people or not sys.stdin.isatty():
        return None
    usual = max(videos, key=lambda file: (file["chosen"], file["size"]))
    shown = videos[:MOST_ASKED]
    if usual not in shown:
        shown[-1] = usual
    output.rows(FILE_HEADS, file_rows(shown))
    if len(shown) < len(videos):
        output.note(f"and {len(videos) - len(shown)} more: see --list")
    numbers = {file["index"] + 1 for file in videos}
    while True:
        output.ask(f"Which one? [{usual['index'] + 1}]")
        text = await read_line()
        if not text:
            return int(usual["index"])
        if text.isascii() and text.isdigit() and int(text) in numbers:
            return int(text) - 1
        output.note(f"not one of them: {safe(text)[:40]}")


def local_subtitles(wanted: str | None) -> Path | None:
    """The file that `--subtitles` names, if it is one. Raises InvalidInput where it is missing."""
    from ..swarm.files import SUBTITLES  # it loads libtorrent, which other verbs do without

    if wanted is None or Path(wanted).suffix.lower() not in SUBTITLES:
        return None
    path = Path(wanted).expanduser().absolute()
    if not path.is_file():
        raise InvalidInput(f"no such file: {wanted}")
    return path


def matching(languages: Sequence[str], wanted: str) -> str | None:
    """The one of `languages` that is meant: `en` means `en-GB`, too."""
    text = wanted.replace("_", "-").lower()
    for language in languages:
        if language.lower() == text:
            return language
    return next((tag for tag in languages if tag.lower().partition("-")[0] == text), None)


def no_such_language(wanted: str, languages: Sequence[str]) -> P2PTubeError:
    """The error that says which there are."""
    known = [language for language in languages if language != UNKNOWN]
    there = ", ".join(known) if known else "none whose language is known"
    return InvalidInput(f"no subtitles in {wanted!r}: there are {there}")
