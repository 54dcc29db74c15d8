"""The schema of an index, as numbered migrations. A released migration is never edited."""

from __future__ import annotations

import sqlite3

from ..storage import migrating
from ..storage.migrating import Migration

APPLICATION_ID = 0x70327469  # "p2ti" in the file's header

_FIRST: Migration = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # An index of its own for the id: one that was set up anew is another one.
    "INSERT INTO about VALUES ('id', lower(hex(randomblob(16))))",
    """
    CREATE TABLE videos (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE CHECK (length(id) = 40),
        key BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        payload BLOB NOT NULL,
        sig BLOB NOT NULL,
        address BLOB NOT NULL,
        taken_out REAL
    )
    """,
    "CREATE INDEX videos_taken_out ON videos (taken_out) WHERE taken_out IS NOT NULL",
    "CREATE INDEX videos_by_address ON videos (address, length(payload))",
    # Folded by us, as in the library.
    """
    CREATE VIRTUAL TABLE video_text USING fts5 (
        title, description, file_name, publisher, tokenize = 'trigram case_sensitive 1'
    )
    """,
    """
    CREATE TRIGGER videos_forget_text AFTER DELETE ON videos BEGIN
        DELETE FROM video_text WHERE rowid = old.number;
    END
    """,
    """
    CREATE TABLE nodes (
        number INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        address BLOB NOT NULL,
        peer TEXT NOT NULL,
        swarm TEXT NOT NULL,
        published_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX nodes_by_address ON nodes (address)",
    """
    CREATE TABLE holdings (
        video INTEGER NOT NULL REFERENCES videos (number) ON DELETE CASCADE,
        node INTEGER NOT NULL REFERENCES nodes (number) ON DELETE CASCADE,
        expires REAL NOT NULL,
        PRIMARY KEY (video, node)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX holdings_by_node ON holdings (node)",
    "CREATE INDEX holdings_by_expiry ON holdings (expires)",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST,)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the schema of an index up to date.

    Raises StorageError where it is newer than this program, or another program's file.
    """
    migrating.migrate(db, MIGRATIONS, application_id=APPLICATION_ID, what="index")
