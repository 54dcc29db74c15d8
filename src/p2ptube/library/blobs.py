"""SQL of the blobs: posters and other small attachments. Runs in the library's threads."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable

_UNUSED = "sha256 NOT IN (SELECT sha256 FROM blob_uses)"


def put(db: sqlite3.Connection, data: bytes) -> str:
    """Store `data` and return its SHA-256 in hex."""
    sha256 = hashlib.sha256(data).hexdigest()
    db.execute("INSERT OR IGNORE INTO blobs (sha256, data) VALUES (?, ?)", (sha256, data))
    return sha256


def get(db: sqlite3.Connection, sha256: str) -> bytes | None:
    """Return the blob, if there is one."""
    row = db.execute("SELECT data FROM blobs WHERE sha256 = ?", (sha256,)).fetchone()
    return bytes(row[0]) if row else None


def get_shared(db: sqlite3.Connection, sha256: str) -> bytes | None:
    """Return the blob, if a video that is not private refers to it."""
    row = db.execute(
        "SELECT data FROM blobs WHERE sha256 = ? AND EXISTS ("
        "SELECT 1 FROM blob_uses u JOIN videos v USING (id) "
        "WHERE u.sha256 = blobs.sha256 AND v.visibility <> 'private')",
        (sha256,),
    ).fetchone()
    return bytes(row[0]) if row else None


def delete_unused(db: sqlite3.Connection, candidates: Iterable[str]) -> None:
    """Delete those of `candidates` that no video refers to."""
    db.executemany(
        f"DELETE FROM blobs WHERE sha256 = ? AND {_UNUSED}",  # noqa: S608
        [(sha256,) for sha256 in candidates],
    )


def delete_all_unused(db: sqlite3.Connection) -> None:
    """Delete what imports that never ended have left. Only safe while none runs."""
    db.execute(f"DELETE FROM blobs WHERE {_UNUSED}")  # noqa: S608
