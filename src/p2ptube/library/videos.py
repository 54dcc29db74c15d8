"""SQL of the videos: records to rows and back. Runs in the library's threads."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import msgspec

from ..descriptor import parse_payload
from ..errors import NotFound, OurBug
from ..models import INFO_HASH, Holder, SignedDescriptor, VideoState, Visibility
from ..storage.text import fold
from .blobs import delete_unused
from .records import StoredCaptions, VideoRecord

_PLAIN = (
    *("id", "title", "description", "file_name", "language", "size", "duration", "width"),
    *("height", "video_codec", "audio_codec", "bit_rate", "sha256", "piece_length", "state"),
    *("detail", "in_place", "mtime_ns", "keep", "mine", "magnet", "file_index", "poster"),
    *("added_at", "published_at", "visibility"),
)
_COLUMNS = (*_PLAIN, "path", "trackers", "holders", "envelope", "captions")
LIST = ", ".join(f"v.{column}" for column in _COLUMNS)
_SELECT = f"SELECT {LIST}, t.info FROM videos v LEFT JOIN torrents t USING (id)"  # noqa: S608
_SELECT_LIGHT = f"SELECT {LIST}, NULL FROM videos v"  # noqa: S608
_UPSERT = (
    f"INSERT INTO videos ({', '.join(_COLUMNS)}) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS)
)

# As a condition: what may be found without its id.
PUBLIC = f"v.visibility = '{Visibility.PUBLIC.value}'"

_decode_captions = msgspec.json.Decoder(tuple[StoredCaptions, ...]).decode
_decode_envelope = msgspec.msgpack.Decoder(SignedDescriptor).decode
_decode_holders = msgspec.json.Decoder(tuple[Holder, ...]).decode
_decode_trackers = msgspec.json.Decoder(tuple[str, ...]).decode


def put(db: sqlite3.Connection, record: VideoRecord) -> None:
    """Insert `record`, or replace the one of the same id."""
    if not INFO_HASH.match(record.id) or record.state is VideoState.REMOTE:
        raise OurBug(f"not a video of this node: {record.id!r}, {record.state}")
    old = get(db, record.id)
    db.execute(_UPSERT, _to_row(record))
    if old is None or _texts(old) != _texts(record):
        _index_text(db, record)
    if record.torrent is not None and (old is None or old.torrent != record.torrent):
        db.execute(
            "INSERT OR REPLACE INTO torrents (id, info) VALUES (?, ?)", (record.id, record.torrent)
        )
    if old is None or _attached(old) != _attached(record):
        _use_blobs(db, record)


def get(db: sqlite3.Connection, video: str) -> VideoRecord | None:
    """Return the record with this id, if there is one."""
    row = db.execute(f"{_SELECT} WHERE v.id = ?", (video,)).fetchone()
    return from_row(row) if row else None


def get_all(db: sqlite3.Connection, torrents: bool) -> list[VideoRecord]:
    """Return all records, newest first."""
    select = _SELECT if torrents else _SELECT_LIGHT
    rows = db.execute(f"{select} ORDER BY v.added_at DESC, v.number DESC")
    return [from_row(row) for row in rows]


def get_by_file_name(db: sqlite3.Connection, name: str) -> VideoRecord | None:
    """Return the best public record of this exact file name: complete first, then newest."""
    row = db.execute(
        f"{_SELECT} WHERE v.file_name = ? AND {PUBLIC} AND v.state <> 'error' "
        "ORDER BY v.state = 'complete' DESC, v.added_at DESC, v.number DESC LIMIT 1",
        (name,),
    ).fetchone()
    return from_row(row) if row else None


def update(db: sqlite3.Connection, video: str, changes: dict[str, Any]) -> VideoRecord:
    """Change some fields of a record and return it. Raises NotFound."""
    old = get(db, video)
    if old is None:
        raise NotFound(f"no such video: {video}")
    if changes.get("id", video) != video:
        raise OurBug("the id of a video never changes")
    new = msgspec.structs.replace(old, **changes)
    put(db, new)
    return new


def set_state(db: sqlite3.Connection, video: str, state: VideoState, detail: str) -> None:
    """Set the state. Raises NotFound."""
    if state is VideoState.REMOTE:
        raise OurBug("a remote video is not stored")
    changed = db.execute(
        "UPDATE videos SET state = ?, detail = ? WHERE id = ?", (state.value, detail, video)
    )
    if changed.rowcount == 0:
        raise NotFound(f"no such video: {video}")


def set_holders(db: sqlite3.Connection, video: str, holders: tuple[Holder, ...]) -> None:
    """Set the last known holders, if the video is still there."""
    db.execute("UPDATE videos SET holders = ? WHERE id = ?", (_json(holders), video))


def delete(db: sqlite3.Connection, video: str) -> bool:
    """Delete the record and all that belongs to it; return whether there was one."""
    row = db.execute("SELECT number FROM videos WHERE id = ?", (video,)).fetchone()
    if row is None:
        return False
    used = db.execute("SELECT sha256 FROM blob_uses WHERE id = ?", (video,)).fetchall()
    db.execute("DELETE FROM video_text WHERE rowid = ?", row)
    db.execute("DELETE FROM videos WHERE id = ?", (video,))
    delete_unused(db, [sha256 for (sha256,) in used])
    return True


def from_row(row: tuple[Any, ...]) -> VideoRecord:
    """Return the record of a row whose columns are LIST and the torrent."""
    fields = dict(zip(_PLAIN, row, strict=False))
    path, trackers, holders, envelope, captions, torrent = row[len(_PLAIN) :]
    for flag in ("in_place", "keep", "mine"):
        fields[flag] = bool(fields[flag])
    fields["state"] = VideoState(fields["state"])
    fields["visibility"] = Visibility(fields["visibility"])
    return VideoRecord(
        **fields,
        path=os.fsdecode(path),
        trackers=_decode_trackers(trackers),
        holders=_decode_holders(holders),
        captions=_decode_captions(captions),
        envelope=None if envelope is None else _decode_envelope(envelope),
        torrent=torrent,
    )


def _to_row(record: VideoRecord) -> list[Any]:
    envelope = None if record.envelope is None else msgspec.msgpack.encode(record.envelope)
    return [
        *(getattr(record, column) for column in _PLAIN),
        os.fsencode(record.path),
        _json(record.trackers),
        _json(record.holders),
        envelope,
        _json(record.captions),
    ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _texts(record: VideoRecord) -> tuple[str, str, str]:
    return record.title, record.description, record.file_name


def _attached(record: VideoRecord) -> tuple[object, ...]:
    return record.poster, record.envelope, record.captions


def _index_text(db: sqlite3.Connection, record: VideoRecord) -> None:
    number = db.execute("SELECT number FROM videos WHERE id = ?", (record.id,)).fetchone()[0]
    db.execute(
        "INSERT OR REPLACE INTO video_text (rowid, title, description, file_name) "
        "VALUES (?, ?, ?, ?)",
        (number, *map(fold, _texts(record))),
    )


def _use_blobs(db: sqlite3.Connection, record: VideoRecord) -> None:
    """Note which blobs the record needs, and delete those that nobody needs any more."""
    before = db.execute("SELECT sha256 FROM blob_uses WHERE id = ?", (record.id,)).fetchall()
    wanted = {captions.sha256 for captions in record.captions}
    if record.poster is not None:
        wanted.add(record.poster)
    if record.envelope is not None:
        wanted.update(a.sha256 for a in parse_payload(record.envelope.payload).attachments)
    db.execute("DELETE FROM blob_uses WHERE id = ?", (record.id,))
    rows = [(record.id, sha256) for sha256 in sorted(wanted)]
    db.executemany("INSERT INTO blob_uses (id, sha256) VALUES (?, ?)", rows)
    delete_unused(db, [sha256 for (sha256,) in before])
