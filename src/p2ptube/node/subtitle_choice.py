"""Pure: which files of a torrent are the subtitles of a video, and in which language.

Nothing but their names says so. What people write: `film.en.srt` beside `film.mkv`,
`Subs/English.srt`, `Subs/film/2_English.srt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..media.captions import MAX_FILE_BYTES, MAX_LANGUAGES
from ..media.languages import UNKNOWN, language_of_word
from ..swarm.files import FileKind, TorrentFile

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
# What is said beside the language: of whom, for whom.
_REMARKS = frozenset(
    {"cc", "default", "forced", "full", "hearing", "hi", "impaired", "sdh", "sub", "subs"}
    | {"subtitle", "subtitles", "track"}
)
_FORCED = re.compile(r"forced|foreign|signs", re.IGNORECASE)
_FOR_THE_DEAF = re.compile(r"\b(sdh|cc|hi)\b|hearing", re.IGNORECASE)


def subtitles_of(files: Iterable[TorrentFile], video: TorrentFile) -> dict[str, TorrentFile]:
    """The subtitles of `video`, one file per language, at most MAX_LANGUAGES.

    Of several of a language, those of all that is said go before those of signs only, and the
    usual ones before those for who cannot hear.
    """
    files = tuple(files)
    alone = sum(file.kind is FileKind.VIDEO for file in files) <= 1
    found: dict[str, TorrentFile] = {}
    for file in sorted(files, key=_rank):
        if file.kind is not FileKind.SUBTITLES or not 0 < file.size <= MAX_FILE_BYTES:
            continue
        if alone or _belongs(file, video):
            found.setdefault(language_of(file, video), file)
    return dict(sorted(found.items())[:MAX_LANGUAGES])


def languages_of(files: Iterable[TorrentFile]) -> dict[int, str]:
    """The languages of the subtitle files among them, by their index."""
    files = tuple(files)
    videos = {_stem(file) for file in files if file.kind is FileKind.VIDEO}
    found = {}
    for file in files:
        if file.kind is FileKind.SUBTITLES:
            film = _stem(file)
            while film and film not in videos:
                film = film.rpartition(".")[0]
            found[file.index] = _language(_stem(file), film)
    return found


def language_of(file: TorrentFile, video: TorrentFile) -> str:
    """The language of a subtitle file, a BCP 47 tag; UNKNOWN where its name does not say it."""
    return _language(_stem(file), _stem(video))


def _language(stem: str, film: str) -> str:
    own = bool(film) and stem.startswith(film)
    words = _WORD.findall(stem[len(film) :] if own else stem)
    plain = [word for word in words if word not in _REMARKS and not word.isdigit()]
    parts = [part for part in stem.split(".") if part not in _REMARKS]
    for word in reversed(plain):
        # "film.it.srt" is Italian, but "Bring it on.srt" is not.
        alone = len(plain) == 1 or (len(parts) > 1 and parts[-1] == word)
        tag = language_of_word(word, codes=own or alone)
        if tag is not None:
            return tag
    return UNKNOWN


def _belongs(file: TorrentFile, video: TorrentFile) -> bool:
    film = _stem(video)
    if re.match(re.escape(film) + r"(?![^\W_])", _stem(file)):
        return True
    folders = [part.casefold() for part in PurePosixPath(file.path).parent.parts]
    return film in folders


def _stem(file: TorrentFile) -> str:
    return PurePosixPath(file.path).stem.casefold()


def _rank(file: TorrentFile) -> tuple[bool, bool, int, int]:
    name = file.name
    return bool(_FORCED.search(name)), bool(_FOR_THE_DEAF.search(name)), -file.size, file.index
