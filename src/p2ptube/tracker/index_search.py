"""SQL of the search in an index. Runs in the index's reading thread."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ..models import INFO_HASH, Found, Holder, SignedDescriptor
from ..storage.text import TRIGRAM, match_expression, query_words
from .index import MAX_HOLDERS, MAX_RESULTS, leads_somewhere

# Bounds what one search costs, whatever it asks for: so many of the newest matches are ranked, and
# so many of the newest videos are looked through for words too short for the text index.
MOST_RANKED = 5_000
MOST_SCANNED = 20_000
MAX_ANSWER = 3 * 2**20  # bytes of the descriptors in one answer

_HELD = (
    "v.taken_out IS NULL AND EXISTS "
    "(SELECT 1 FROM holdings h WHERE h.video = v.number AND h.expires > ?)"
)
_SELECT = "SELECT v.number, v.payload, v.key, v.sig FROM "
_PAGE = " LIMIT ? OFFSET ?"
_HAS_WORD = (
    "(instr(title, ?) OR instr(description, ?) OR instr(file_name, ?) OR instr(publisher, ?))"
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for: every word of `text`, or all videos, from the `start`-th on.

    `neighbour`: the asker is on this machine, where loopback addresses lead somewhere.
    """

    text: str
    limit: int
    start: int = 0
    neighbour: bool = False


def search(db: sqlite3.Connection, query: Query, now: float) -> list[Found]:
    """The videos that are held by somebody, best first; without a text the newest first.

    A video's id finds that video.
    """
    limit = max(0, min(query.limit, MAX_RESULTS))
    page = (limit, max(0, query.start))
    words = query_words(query.text)
    if len(words) == 1 and INFO_HASH.match(words[0]):
        where = f"videos v WHERE v.id = ? AND {_HELD}"
        rows = db.execute(_SELECT + where + _PAGE, (words[0], now, *page))
    elif not words:
        where = f"videos v WHERE {_HELD} ORDER BY v.number DESC"
        rows = db.execute(_SELECT + where + _PAGE, (now, *page))
    else:
        inner, values = _matching(words)
        where = f"({inner}) m JOIN videos v ON v.number = m.number WHERE {_HELD} "
        order = "ORDER BY m.rank, v.number DESC"
        rows = db.execute(_SELECT + where + order + _PAGE, (*values, now, *page))
    return _with_holders(db, rows, query.neighbour, now)


def _matching(words: list[str]) -> tuple[str, list[str | int]]:
    """SQL for the numbers of the videos that have all words, each with a rank: low is good."""
    long = [word for word in words if len(word) >= TRIGRAM]
    short = [word for word in words if len(word) < TRIGRAM]
    scanned = [_HAS_WORD] * len(short)
    values: list[str | int] = [word for word in short for _ in range(4)]
    if long:
        # A title that matches counts more than a file name or publisher, those more than the rest.
        source = "SELECT rowid AS number, bm25(video_text, 10, 1, 4, 4) AS rank FROM video_text "
        conditions = " AND ".join(["video_text MATCH ?", *scanned])
        values = [match_expression(long), *values, MOST_RANKED]
    else:
        source = "SELECT rowid AS number, 0 AS rank FROM video_text "
        newest = "rowid > (SELECT coalesce(max(rowid), 0) FROM video_text) - ?"
        conditions = " AND ".join([newest, *scanned])
        values = [MOST_SCANNED, *values, MOST_RANKED]
    return f"{source} WHERE {conditions} ORDER BY rowid DESC LIMIT ?", values


def _with_holders(
    db: sqlite3.Connection, rows: sqlite3.Cursor, neighbour: bool, now: float
) -> list[Found]:
    found, size = [], 0
    for number, payload, key, sig in rows:
        size += len(payload)
        if size > MAX_ANSWER:
            break
        envelope = SignedDescriptor(payload=payload, key=key, sig=sig)
        found.append(Found(descriptor=envelope, holders=_holders(db, number, neighbour, now)))
    return found


def _holders(db: sqlite3.Connection, video: int, neighbour: bool, now: float) -> tuple[Holder, ...]:
    """Those who renewed last: they are the most likely to be there."""
    rows = db.execute(
        "SELECT peer, swarm FROM holdings JOIN nodes ON number = node "
        "WHERE video = ? AND expires > ? ORDER BY expires DESC LIMIT ?",
        (video, now, 2 * MAX_HOLDERS),
    )
    holders = [
        Holder(peer=peer, swarm=tuple(swarm.split()))
        for peer, swarm in rows
        if leads_somewhere(peer, neighbour=neighbour)
    ]
    return tuple(holders[:MAX_HOLDERS])
