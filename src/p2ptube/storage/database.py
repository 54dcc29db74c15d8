"""An SQLite file: one thread that writes, one that reads, and errors in words."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ..errors import InvalidInput, OurBug, P2PTubeError, StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_TIMEOUT = 10.0  # seconds to wait for another process, such as a backup
WAL_KEPT = 16 * 2**20  # bytes of the write-ahead log that a checkpoint leaves in place


class Database:
    """Two connections to one file, each used by one thread only.

    With the write-ahead log a reader never waits for a writer, nor for the disk to sync.
    """

    def __init__(self, path: Path, what: str, migrate: Callable[[sqlite3.Connection], None]):
        self._writer = _Worker(what, "writer", path, lambda path: _connect_writer(path, migrate))
        self._reader = _Worker(what, "reader", path, _connect_reader)

    @classmethod
    async def open(
        cls, path: Path, what: str, migrate: Callable[[sqlite3.Connection], None]
    ) -> Database:
        """Open or create the file; `migrate` brings its schema up to date.

        `what` names the kind of file, such as `library`, in errors. Raises StorageError.
        """
        database = cls(path, what, migrate)
        try:
            await database._writer.run(_check)
            await database._reader.run(lambda _: None)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Finish what was asked for, write the log back into the file and close it."""
        await self._reader.stop()
        await self._writer.stop()

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads and sees one state of the file. Raises StorageError."""
        return await self._reader.run(lambda db: _transact(db, work, "BEGIN"))

    async def write(self, work: Work[T], *, durable: bool = False) -> T:
        """Run `work` as one transaction. Raises StorageError, or what `work` raises.

        What was acknowledged survives the death of the process; with `durable`, that of the
        machine, too.
        """
        return await self._writer.run(lambda db: _transact_writing(db, work, durable))


class _Worker:
    """A thread and the connection that belongs to it."""

    def __init__(
        self, what: str, role: str, path: Path, connect: Callable[[Path], sqlite3.Connection]
    ) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{what}-{role}")
        self._what = what
        self._path = path
        self._connect = connect
        self._db: sqlite3.Connection | None = None

    async def run(self, work: Work[T]) -> T:
        def job() -> T:
            if self._db is None:
                self._db = self._connect(self._path)
            return work(self._db)

        try:
            future = self._pool.submit(job)
        except RuntimeError as error:
            raise StorageError(f"the {self._what} is closed") from error
        try:
            return await asyncio.wrap_future(future)
        except (sqlite3.Error, OSError, UnicodeEncodeError, OverflowError) as error:
            raise _in_words(error, self._what, self._path) from error

    async def stop(self) -> None:
        def close() -> None:
            if self._db is not None:
                self._db.close()
                self._db = None

        try:
            future = self._pool.submit(close)
        except RuntimeError:
            return  # stopped before
        self._pool.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(future))


def _connect_writer(
    path: Path, migrate: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Created by us for its mode: SQLite gives the same one to the files beside it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = _connect(path)
    try:
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            log.warning("no write-ahead log at %s: readers will wait for writers", path)
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _connect_reader(path: Path) -> sqlite3.Connection:
    db = _connect(path)
    db.execute("PRAGMA query_only = ON")
    return db


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where we say so.
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=True)


def _check(db: sqlite3.Connection) -> None:
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise sqlite3.DatabaseError(f"malformed: {answer}")


def _transact(db: sqlite3.Connection, work: Work[T], begin: str) -> T:
    db.execute(begin)
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors, such as a full disk, have rolled back already
            db.execute("ROLLBACK")
        raise
    return result


def _transact_writing(db: sqlite3.Connection, work: Work[T], durable: bool) -> T:
    if not durable:
        return _transact(db, work, "BEGIN IMMEDIATE")
    db.execute("PRAGMA synchronous = FULL")
    try:
        return _transact(db, work, "BEGIN IMMEDIATE")
    finally:
        db.execute("PRAGMA synchronous = NORMAL")


def _in_words(error: Exception, what: str, path: Path) -> P2PTubeError:
    text = str(error)
    if isinstance(error, UnicodeEncodeError | OverflowError):
        return InvalidInput(f"the {what} cannot hold this value: {text}")
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return OurBug(f"a record that the {what} does not allow: {text}")
    if "not a database" in text or "malformed" in text:
        return StorageError(
            f"the {what} {path} is damaged ({text}); it was left as it is: "
            "put a backup in its place, or move it away to start an empty one"
        )
    if "full" in text:
        return StorageError(f"the disk is full; the {what} {path} was not changed")
    return StorageError(f"cannot use the {what} {path}: {text}")
