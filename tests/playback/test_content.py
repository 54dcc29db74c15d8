from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptube.errors import FileChanged, StorageError
from p2ptube.playback import content
from p2ptube.playback.content import FileContent, file_content, media_type_of

DATA = os.urandom(5 * 2**20 + 123)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ä.mp4"
    path.write_bytes(DATA)
    return path


def shared(path: Path) -> FileContent:
    stat = path.stat()
    return file_content(path, stat.st_size, stat.st_mtime_ns, etag='"e"')


async def read(content: FileContent, start: int, end: int) -> bytes:
    return b"".join([data async for data in content.read(start, end)])


def settle() -> None:
    """Wait until every reader thread has ended what it was doing."""
    threads = content._readers._max_workers
    barrier = threading.Barrier(threads)
    for future in [content._readers.submit(barrier.wait, 10) for _ in range(threads)]:
        future.result()


def is_open(path: Path) -> bool:
    settle()
    names = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    return any(name.startswith(str(path)) for name in names)  # or "... (deleted)"


def test_properties(path: Path) -> None:
    file = shared(path)
    assert (file.size, file.media_type, file.file_name) == (len(DATA), "video/mp4", "ä.mp4")
    named = file_content(path, 1, 1, etag='"e"', media_type="video/webm", file_name="b.webm")
    assert (named.media_type, named.file_name) == ("video/webm", "b.webm")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.MKV", "video/x-matroska"),
        ("a.webm", "video/webm"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("mp4", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_media_types(name: str, expected: str) -> None:
    assert media_type_of(name) == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, len(DATA)), (0, 1), (5, 5), (65535, 65537), (len(DATA) - 1, len(DATA)), (999, 3_000_000)],
)
async def test_reads_what_is_there(path: Path, start: int, end: int) -> None:
    assert await read(shared(path), start, end) == DATA[start:end]
    assert not is_open(path)


async def test_chunks_begin_small_and_grow(path: Path) -> None:
    sizes = [len(data) async for data in shared(path).read(0, len(DATA))]
    assert sizes[:6] == [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 1 << 20]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def replace(path: Path) -> None:
    stat = path.stat()
    other = path.with_name("other")
    other.write_bytes(os.urandom(len(DATA)))
    os.utime(other, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    other.replace(path)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(len(DATA)))
    os.utime(path)


def delete(path: Path) -> None:
    path.unlink()


CHANGES = [append, truncate, touch, replace, overwrite, delete]


@pytest.mark.parametrize("change", [c for c in CHANGES if c is not replace])
async def test_changed_before(path: Path, change: Callable[[Path], None]) -> None:
    file = shared(path)
    change(path)
    with pytest.raises(FileChanged):
        await anext(aiter(file.read(0, 10)))
    assert not is_open(path)


@pytest.mark.parametrize("change", CHANGES)
async def test_changed_meanwhile(path: Path, change: Callable[[Path], None]) -> None:
    got = b""
    with pytest.raises(FileChanged):
        async for data in shared(path).read(0, len(DATA)):
            if not got:
                change(path)
            got += data
    assert len(got) < len(DATA)
    assert DATA.startswith(got)
    assert not is_open(path)


async def test_not_a_file_any_more(path: Path) -> None:
    file = shared(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileChanged):
        await read(file, 0, 10)
    path.unlink()
    path.mkdir()
    with pytest.raises(FileChanged):
        await read(file, 0, 10)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_no_permission(path: Path) -> None:
    file = shared(path)
    path.chmod(0)
    with pytest.raises(StorageError):
        await read(file, 0, 10)


async def test_cannot_be_opened(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    with pytest.raises(StorageError, match="cannot open"):
        await read(file_content(loop, 1, 1, etag='"e"'), 0, 1)


async def test_closed_by_the_consumer(path: Path) -> None:
    reader = shared(path).read(0, len(DATA))
    await anext(reader)
    assert is_open(path)
    await reader.aclose()
    assert not is_open(path)


async def cancelled(file: FileContent, begun: threading.Event) -> None:
    """Read it, and give up once that has begun."""
    task = asyncio.create_task(read(file, 0, len(DATA)))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_while_it_waits(path: Path) -> None:
    file = shared(path)
    reading, go_on = threading.Event(), threading.Event()
    original = file._read_chunk

    def slow(fd: int, start: int, end: int) -> bytes:
        reading.set()
        assert go_on.wait(10)
        return original(fd, start, end)

    file._read_chunk = slow  # type: ignore[method-assign]
    await cancelled(file, reading)
    go_on.set()
    assert not is_open(path)


async def test_cancelled_while_it_opens(path: Path) -> None:
    file = shared(path)
    opening, go_on = threading.Event(), threading.Event()
    original = file._open

    def slow() -> int:
        opening.set()
        assert go_on.wait(10)
        return original()

    file._open = slow  # type: ignore[method-assign]
    await cancelled(file, opening)
    go_on.set()
    assert not is_open(path)
