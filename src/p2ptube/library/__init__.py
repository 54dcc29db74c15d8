"""What the node remembers: videos, peers, imports under way, settings, posters (SQLite, WAL)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ..models import Holder, VideoState
from ..storage.database import Database
from . import blobs, find, others, videos
from .lock import DataLock
from .migrations import migrate
from .records import PeerRecord, PendingImport, StoredCaptions, VideoRecord

__all__ = ["DataLock", "Library", "PeerRecord", "PendingImport", "StoredCaptions", "VideoRecord"]


class Library:
    """The library of one node, in one file.

    Every method raises StorageError where the disk is full or the file damaged, and after
    `close`. A write that has returned survives the death of the process; what would be missed
    (videos and their state, imports) that of the machine, too.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    async def open(cls, path: Path) -> Library:
        """Open the library in the file `path`, or create it.

        Raises StorageError where the file is damaged, written by a newer release or no library;
        it is left as it is.
        """
        database = await Database.open(path, "library", migrate)
        try:
            await database.write(blobs.delete_all_unused)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def close(self) -> None:
        """Finish the writes that were asked for and close the file. May be called again."""
        await self._db.close()

    async def put_video(self, record: VideoRecord, *, ends: str | None = None) -> None:
        """Store `record`, in place of the one with the same id if there is one.

        A torrent that is stored stays if the new record has none. `ends` is the id of the pending
        import that this is the end of: it is forgotten in the same step, so that whatever happens
        it is either done or still to do. Raises ProtocolViolation where the envelope holds no
        descriptor.
        """

        def put(db: sqlite3.Connection) -> None:
            videos.put(db, record)
            if ends is not None:
                others.delete_pending(db, ends)

        await self._db.write(put, durable=True)

    async def get_video(self, video: str) -> VideoRecord | None:
        """Return the record with this id (40 hex digits), if there is one."""
        return await self._db.read(lambda db: videos.get(db, video))

    async def all_videos(self, *, torrents: bool = True) -> list[VideoRecord]:
        """Return all videos, newest first. Without `torrents`, which are large, it is quicker."""
        return await self._db.read(lambda db: videos.get_all(db, torrents))

    async def update_video(self, video: str, **changes: Any) -> VideoRecord:
        """Change the named fields of a record, in one step, and return it. Raises NotFound."""
        return await self._db.write(lambda db: videos.update(db, video, changes), durable=True)

    async def set_state(self, video: str, state: VideoState, detail: str = "") -> None:
        """Set the state, and in words why it is so. Raises NotFound."""
        await self._db.write(lambda db: videos.set_state(db, video, state, detail), durable=True)

    async def set_holders(self, video: str, holders: tuple[Holder, ...]) -> None:
        """Remember who holds the video; nothing happens if it was deleted."""
        await self._db.write(lambda db: videos.set_holders(db, video, holders))

    async def delete_video(self, video: str) -> bool:
        """Delete a video's record, resume data and unused blobs; return whether it was there."""
        return await self._db.write(lambda db: videos.delete(db, video), durable=True)

    async def search(self, text: str, limit: int, *, for_others: bool = False) -> list[VideoRecord]:
        """Return up to `limit` videos in which every word of `text` occurs, best first.

        Words are literal parts of the title, description or file name; case and accents do not
        count. An info-hash finds the video of this id; no words find all. `for_others`, only what
        is public is found, and by its info-hash what is unlisted. `torrent` is not filled in.
        """
        return await self._db.read(lambda db: find.search(db, text, limit, for_others=for_others))

    async def names_matching(self, key: str, limit: int) -> list[str]:
        """Return up to `limit` names of playable public files with `key` in them, in any case."""
        return await self._db.read(lambda db: find.names_matching(db, key, limit))

    async def by_file_name(self, name: str) -> VideoRecord | None:
        """Return the playable public video with this exact file name, a complete one if any."""
        return await self._db.read(lambda db: videos.get_by_file_name(db, name))

    async def put_resume(self, video: str, data: bytes) -> None:
        """Store resume data, which goes when the video does; ignored if that was deleted."""
        await self._db.write(lambda db: others.put_resume(db, video, data))

    async def delete_resume(self, video: str) -> None:
        """Forget the resume data: what it tells of the file may no longer be so."""
        await self._db.write(lambda db: others.delete_resume(db, video), durable=True)

    async def get_resume(self, video: str) -> bytes | None:
        """Return the resume data of a video, if there is some."""
        return await self._db.read(lambda db: others.get_resume(db, video))

    async def put_peers(self, peers: list[PeerRecord]) -> None:
        """Replace the set of known peers."""
        await self._db.write(lambda db: others.put_peers(db, peers))

    async def all_peers(self) -> list[PeerRecord]:
        """Return the known peers, those seen last first."""
        return await self._db.read(others.all_peers)

    async def put_pending_import(self, pending: PendingImport) -> None:
        """Note an import before it begins."""
        await self._db.write(lambda db: others.put_pending(db, pending), durable=True)

    async def all_pending_imports(self) -> list[PendingImport]:
        """Return the imports that did not end, oldest first."""
        return await self._db.read(others.all_pending)

    async def delete_pending_import(self, pending: str) -> None:
        """Forget an import that has ended; nothing happens if it is not known."""
        await self._db.write(lambda db: others.delete_pending(db, pending), durable=True)

    async def put_setting(self, key: str, value: Any) -> None:
        """Store a value that JSON can hold."""
        await self._db.write(lambda db: others.put_setting(db, key, value))

    async def get_setting(self, key: str, default: Any = None) -> Any:
        """Return a stored value, or `default`."""
        return await self._db.read(lambda db: others.get_setting(db, key, default))

    async def put_blob(self, data: bytes) -> str:
        """Store a small file and return its SHA-256 in hex.

        It goes when no video refers to it any more (as poster or attachment), or at the next
        `open` if none ever did.
        """
        return await self._db.write(lambda db: blobs.put(db, data))

    async def get_blob(self, sha256: str) -> bytes | None:
        """Return the blob with this SHA-256 in hex, if there is one."""
        return await self._db.read(lambda db: blobs.get(db, sha256))

    async def get_shared_blob(self, sha256: str) -> bytes | None:
        """Return the blob with this SHA-256 in hex, if a video that is not private refers to it."""
        return await self._db.read(lambda db: blobs.get_shared(db, sha256))
