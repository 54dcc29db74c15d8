"""SQL of peers, pending imports, settings and resume data. Runs in the library's threads."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import msgspec

from ..models import Visibility
from .records import PeerRecord, PendingImport

_PEER = "id, host, port, kind, name, key, swarm_port, last_seen"


def put_peers(db: sqlite3.Connection, peers: list[PeerRecord]) -> None:
    """Replace the known peers."""
    db.execute("DELETE FROM peers")
    db.executemany(
        f"INSERT OR REPLACE INTO peers ({_PEER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [msgspec.structs.astuple(peer) for peer in peers],
    )


def all_peers(db: sqlite3.Connection) -> list[PeerRecord]:
    """Return the known peers, those seen last first."""
    rows = db.execute(f"SELECT {_PEER} FROM peers ORDER BY last_seen DESC, id")  # noqa: S608
    names = PeerRecord.__struct_fields__
    return [PeerRecord(**dict(zip(names, row, strict=True))) for row in rows]


def put_pending(db: sqlite3.Connection, pending: PendingImport) -> None:
    """Note an import that was accepted."""
    db.execute(
        "INSERT OR REPLACE INTO pending_imports (id, source, owned, title, visibility, added_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            pending.id,
            os.fsencode(pending.source),
            pending.owned,
            pending.title,
            pending.visibility,
            pending.added_at,
        ),
    )


def all_pending(db: sqlite3.Connection) -> list[PendingImport]:
    """Return the imports that are not done, oldest first."""
    rows = db.execute(
        "SELECT id, source, owned, title, visibility, added_at FROM pending_imports "
        "ORDER BY added_at, id"
    )
    return [
        PendingImport(
            id=number,
            source=os.fsdecode(source),
            owned=bool(owned),
            title=title,
            visibility=Visibility(visibility),
            added_at=added,
        )
        for number, source, owned, title, visibility, added in rows
    ]


def delete_pending(db: sqlite3.Connection, pending: str) -> None:
    """Forget an import."""
    db.execute("DELETE FROM pending_imports WHERE id = ?", (pending,))


def put_setting(db: sqlite3.Connection, key: str, value: Any) -> None:
    """Store a value that JSON can hold."""
    text = msgspec.json.encode(value).decode()
    db.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, text))


def get_setting(db: sqlite3.Connection, key: str, default: Any) -> Any:
    """Return the value, or `default`."""
    row = db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return msgspec.json.decode(row[0]) if row else default


def put_resume(db: sqlite3.Connection, video: str, data: bytes) -> None:
    """Store resume data, if the video is still there."""
    db.execute(
        "INSERT OR REPLACE INTO resume (id, data) SELECT id, ? FROM videos WHERE id = ?",
        (data, video),
    )


def delete_resume(db: sqlite3.Connection, video: str) -> None:
    """Forget the resume data."""
    db.execute("DELETE FROM resume WHERE id = ?", (video,))


def get_resume(db: sqlite3.Connection, video: str) -> bytes | None:
    """Return the resume data, if there is some."""
    row = db.execute("SELECT data FROM resume WHERE id = ?", (video,)).fetchone()
    return bytes(row[0]) if row else None
