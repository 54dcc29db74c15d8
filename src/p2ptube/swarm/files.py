"""Pure: the files of a torrent, what they are by their names, and which of them is the video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from ..errors import InvalidInput

MOST_NAMED = 8  # files that an error names

_VIDEO = frozenset(
    f".{name}"
    for name in (
        *("3gp", "asf", "avi", "divx", "f4v", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg"),
        *("mpg", "mts", "mxf", "ogm", "ogv", "rm", "rmvb", "ts", "vob", "webm", "wmv"),
    )
)
_AUDIO = frozenset(
    f".{name}"
    for name in ("aac", "ac3", "aiff", "flac", "m4a", "mka", "mp3", "oga", "ogg", "opus", "wav")
)
SUBTITLES = frozenset({".ass", ".srt", ".ssa", ".vtt"})


class FileKind(StrEnum):
    """What a file is, going by its name alone: nothing of it need be here yet."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLES = "subtitles"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """A file of a torrent: its place in the list, its path below the directory, its bytes."""

    index: int
    path: str
    size: int

    @property
    def name(self) -> str:
        """The plain name."""
        return PurePosixPath(self.path).name

    @property
    def kind(self) -> FileKind:
        """What it is, by its name."""
        suffix = PurePosixPath(self.path).suffix.lower()
        if suffix in _VIDEO:
            return FileKind.VIDEO
        if suffix in _AUDIO:
            return FileKind.AUDIO
        return FileKind.SUBTITLES if suffix in SUBTITLES else FileKind.OTHER

    @property
    def playable(self) -> bool:
        """Whether it is a video or sound, and not empty."""
        return self.size > 0 and self.kind in {FileKind.VIDEO, FileKind.AUDIO}


def largest_video(files: Sequence[TorrentFile]) -> int:
    """The index of the file to play where nobody chose one.

    The largest video; without one the largest sound; without that the largest file.
    """
    ranks = {FileKind.VIDEO: 2, FileKind.AUDIO: 1}

    def weight(file: TorrentFile) -> tuple[int, int]:
        return (ranks.get(file.kind, 0) if file.size else 0), file.size

    return max(files, key=weight).index


def find_file(files: Iterable[TorrentFile], wanted: str) -> TorrentFile:
    """The file that a user names: by its whole path, its name, or a part of one of them.

    Case does not count. Raises InvalidInput where none or several are meant.
    """
    files = tuple(files)
    text = wanted.strip().casefold()
    tests = (
        lambda file: file.path.casefold() == text,
        lambda file: file.name.casefold() == text,
        lambda file: text in file.name.casefold(),
        lambda file: text in file.path.casefold(),
    )
    for test in tests if text else ():
        found = [file for file in files if test(file)]
        # "film" means film.mkv, even where there is a film.srt beside it.
        playable = [file for file in found if file.playable] or found
        if len(playable) == 1:
            return playable[0]
        if playable:
            raise InvalidInput(f"{wanted!r} is a part of several files: {_named(playable)}")
    raise InvalidInput(f"no file {wanted!r} in the torrent; there are {_named(files)}")


def _named(files: Sequence[TorrentFile]) -> str:
    names = [file.path[-100:] for file in files[:MOST_NAMED]]
    more = len(files) - len(names)
    return ", ".join([*names, f"and {more} more"] if more else names)
