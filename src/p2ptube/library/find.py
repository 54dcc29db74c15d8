"""SQL of the search in the library's own videos. Runs in the library's threads."""

from __future__ import annotations

import sqlite3

from ..models import INFO_HASH, Visibility
from ..storage.text import TRIGRAM, fold, match_expression, query_words
from .records import VideoRecord
from .videos import LIST, PUBLIC, from_row

_FROM = f"SELECT {LIST}, NULL FROM video_text JOIN videos v ON v.number = video_text.rowid WHERE "  # noqa: S608
_HAS_WORD = (
    "(instr(video_text.title, ?) OR instr(video_text.description, ?) "
    "OR instr(video_text.file_name, ?))"
)
# A title that matches counts more than a file name, and that more than a description.
_BEST = " ORDER BY bm25(video_text, 10, 1, 4), v.added_at DESC, v.number DESC LIMIT ?"
_NEWEST = " ORDER BY v.added_at DESC, v.number DESC LIMIT ?"


def search(
    db: sqlite3.Connection, text: str, limit: int, *, for_others: bool = False
) -> list[VideoRecord]:
    """Return videos that hold every word of `text`, best first; all videos if it has none.

    An info-hash finds the video of this id. What is found `for_others` is public; by its info-hash,
    who knows it finds what is unlisted, too.
    """
    words = query_words(text)
    if len(words) == 1 and INFO_HASH.match(words[0]):
        row = db.execute(f"SELECT {LIST}, NULL FROM videos v WHERE v.id = ?", words).fetchone()  # noqa: S608
        found = from_row(row) if row else None
        if found and not (for_others and found.visibility is Visibility.PRIVATE):
            return [found][:limit]
    long = [word for word in words if len(word) >= TRIGRAM]
    short = [word for word in words if len(word) < TRIGRAM]
    conditions = [PUBLIC] if for_others else []
    conditions += [_HAS_WORD] * len(short)
    values: list[str | int] = [word for word in short for _ in range(3)]
    if long:
        conditions.append("video_text MATCH ?")
        values.append(match_expression(long))
    order = _BEST if long else _NEWEST
    rows = db.execute(
        _FROM + (" AND ".join(conditions) or "true") + order, [*values, max(0, limit)]
    )
    return [from_row(row) for row in rows]


def names_matching(db: sqlite3.Connection, key: str, limit: int) -> list[str]:
    """Return different names of public files with `key` in them, in any case, newest first."""
    folded, exact = fold(key), key.casefold()
    if len(folded) >= TRIGRAM:
        where, value = "video_text MATCH ?", f"file_name : {match_expression([folded])}"
    else:
        where, value = "instr(video_text.file_name, ?)", folded
    rows = db.execute(
        "SELECT v.file_name FROM video_text JOIN videos v ON v.number = video_text.rowid "  # noqa: S608
        f"WHERE {where} AND {PUBLIC} AND v.state <> 'error' "
        "ORDER BY v.added_at DESC, v.number DESC",
        (value,),
    )
    names: dict[str, None] = {}
    for (name,) in rows:
        if len(names) >= limit:
            break
        if exact in name.casefold():  # folding also drops accents, which do count here
            names[name] = None
    return list(names)
