"""Bringing the schema of an SQLite file up to date, by numbered migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..errors import StorageError

Migration = tuple[str, ...]


def migrate(
    db: sqlite3.Connection, migrations: Sequence[Migration], *, application_id: int, what: str
) -> None:
    """Apply the migrations that the file lacks, each in a transaction of its own.

    `what` names the kind of file, such as `library`; `application_id` marks it in its header.
    Raises StorageError where the file is newer than this program or belongs to another one.
    """
    version = _pragma(db, "user_version")
    application = _pragma(db, "application_id")
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != application_id and (application or version or tables):
        article = "an" if what[0] in "aeiou" else "a"
        raise StorageError(f"the file is a database, but not {article} {what} of p2ptube")
    if version > len(migrations):
        raise StorageError(
            f"the {what} was written by a newer release of p2ptube (its version is {version}, "
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
