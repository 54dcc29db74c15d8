"""The schema of the library, as numbered migrations. A released migration is never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..storage import migrating
from ..storage.migrating import Migration

APPLICATION_ID = 0x70327462  # "p2tb" in the file's header: a library, not just any database

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

_VISIBILITY: Migration = (
    """
    ALTER TABLE videos ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public'
        CHECK (visibility IN ('public', 'unlisted', 'private'))
    """,
    """
    ALTER TABLE pending_imports ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public'
        CHECK (visibility IN ('public', 'unlisted', 'private'))
    """,
)

_CAPTIONS: Migration = ("ALTER TABLE videos ADD COLUMN captions TEXT NOT NULL DEFAULT '[]'",)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _VISIBILITY, _CAPTIONS)


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the schema of a library up to date.

    Raises StorageError where it is newer than this program, or another program's file.
    """
    migrating.migrate(db, migrations, application_id=APPLICATION_ID, what="library")
