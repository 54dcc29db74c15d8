from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.library.sample import record

from p2ptube.errors import StorageError
from p2ptube.library import Library
from p2ptube.library.migrations import MIGRATIONS, migrate


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


async def filled(path: Path) -> bytes:
    library = await Library.open(path)
    for number in range(50):
        await library.put_video(record(number, torrent=bytes(10_000)))
    await library.close()
    return path.read_bytes()


async def refused(path: Path, words: str) -> None:
    """The library is refused in these words, and the file is left as it was."""
    before = path.read_bytes()
    with pytest.raises(StorageError, match=words):
        await Library.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("garbage", [b"hello " * 1000, b"\0" * 5000, b"SQLite format 3\0" * 9])
async def test_no_database(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "library.db"
    path.write_bytes(garbage)
    await refused(path, "damaged")


async def test_truncated(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    whole = await filled(path)
    path.write_bytes(whole[: len(whole) // 2])
    await refused(path, "damaged")


async def test_overwritten_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    whole = bytearray(await filled(path))
    whole[8192:40960] = b"\xa5" * (40960 - 8192)
    path.write_bytes(whole)
    await refused(path, "damaged")


async def test_newer_release(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    await filled(path)
    db = connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    await refused(path, "newer release")


async def test_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    db = connect(path)
    db.execute("CREATE TABLE theirs (a)")
    db.close()
    with pytest.raises(StorageError, match="not a library"):
        await Library.open(path)
    assert connect(path).execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


async def test_empty_file_is_a_new_library(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "library.db"
    path.parent.mkdir()
    path.touch()
    library = await Library.open(path)
    assert await library.all_videos() == []
    await library.close()


async def test_a_directory_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot use"):
        await Library.open(tmp_path)


async def test_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot use"):
        await Library.open(tmp_path / "file" / "library.db")


async def test_disk_full(tmp_path: Path) -> None:
    library = await Library.open(tmp_path / "library.db")
    await library.put_video(record(1))

    def limit(db: sqlite3.Connection) -> None:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")

    await library._db.write(limit)
    with pytest.raises(StorageError, match="full"):
        await library.put_video(record(2, torrent=bytes(10**6)))
    assert [v.id for v in await library.all_videos()] == [record(1).id]
    await library.set_holders(record(1).id, ())  # it goes on when there is room
    await library.close()


def test_migrations_go_on_from_where_they_were(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.db")
    migrate(db)
    second = ("CREATE TABLE more (a)", "INSERT INTO more VALUES (1)")
    migrate(db, (*MIGRATIONS, second))
    migrate(db, (*MIGRATIONS, second))
    assert db.execute("SELECT a FROM more").fetchall() == [(1,)]
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.db")
    migrate(db)
    second = ("CREATE TABLE second (a)",)
    third = ("CREATE TABLE third (a)", "no SQL")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, (*MIGRATIONS, second, third))
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert "second" in tables and "third" not in tables
    migrate(db, (*MIGRATIONS, second, ("CREATE TABLE third (a)",)))
