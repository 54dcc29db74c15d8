"""The schema of the library, as numbered migrations. A released migration is never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..errors import StorageError

APPLICATION_ID = 0x70327462  # "p2tb" in the file's header: a library, not just any database

Migration = tuple[str, ...]

_FIRST: Migration = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    """
    CREATE TABLE videos (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE CHECK (length(id) = 40),
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        language TEXT NOT NULL,
        file_name TEXT NOT NULL,
        size INTEGER NOT NULL,
        duration REAL NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        video_codec TEXT NOT NULL,
        audio_codec TEXT NOT NULL,
        bit_rate INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        piece_length INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('fetching', 'complete', 'error')),
        detail TEXT NOT NULL,
        path BLOB NOT NULL,
        in_place INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        keep INTEGER NOT NULL,
        mine INTEGER NOT NULL,
        magnet TEXT,
        file_index INTEGER NOT NULL,
        poster TEXT,
        added_at REAL NOT NULL,
        published_at REAL NOT NULL,
        trackers TEXT NOT NULL,
        holders TEXT NOT NULL,
        envelope BLOB
    )
    """,
    "CREATE INDEX videos_by_age ON videos (added_at, number)",
    "CREATE INDEX videos_by_file_name ON videos (file_name)",
    # Folded by us, as the tokenizer of older SQLite releases knows no accents.
    """
    CREATE VIRTUAL TABLE video_text USING fts5 (
        title, description, file_name, tokenize = 'trigram case_sensitive 1'
    )
    """,
    # Apart from the videos, so that lists and changes of state need not move a megabyte each.
    """
    CREATE TABLE torrents (
        id TEXT PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
        info BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE resume (
        id TEXT PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
        data BLOB NOT NULL
    )
    """,
    "CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
    """
    CREATE TABLE blob_uses (
        id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (id, sha256)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX blob_uses_by_blob ON blob_uses (sha256)",
    """
    CREATE TABLE peers (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        port INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        swarm_port INTEGER,
        last_seen REAL
    )
    """,
    """
    CREATE TABLE pending_imports (
        id TEXT PRIMARY KEY,
        source BLOB NOT NULL,
        owned INTEGER NOT NULL,
        title TEXT NOT NULL,
        added_at REAL NOT NULL
    )
    """,
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST,)


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the schema up to date, each migration in a transaction of its own.

    Raises StorageError where the database is newer than this program or belongs to another one.
    """
    version = _pragma(db, "user_version")
    application = _pragma(db, "application_id")
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StorageError("the file is a database, but not a library of p2ptube")
    if version > len(migrations):
        raise StorageError(
            f"the library was written by a newer release of p2ptube (its version is {version}, "
            f"known here are versions up to {len(migrations)})"
        )
    for number, migration in enumerate(migrations[version:], start=version + 1):
        _apply(db, migration, number)


def _apply(db: sqlite3.Connection, migration: Migration, number: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in migration:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _pragma(db: sqlite3.Connection, name: str) -> int:
    value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
    return value
