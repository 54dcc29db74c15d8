"""What can be streamed: anything that yields verified bytes in order, such as a complete file."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..errors import FileChanged, StorageError

FIRST_CHUNK = 64 * 1024  # small, for a quick start
LARGEST_CHUNK = 1024 * 1024

MEDIA_TYPES = {
    ".3gp": "video/3gpp",
    ".avi": "video/x-msvideo",
    ".flv": "video/x-flv",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".ogv": "video/ogg",
    ".ts": "video/mp2t",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
}

_readers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="file-reader")


class Content(Protocol):
    """One video's bytes, and how HTTP names them. `etag` is strong, with its quotes."""

    @property
    def size(self) -> int:
        """The number of bytes."""

    @property
    def media_type(self) -> str:
        """The media type, such as video/mp4."""

    @property
    def etag(self) -> str:
        """A strong entity tag, in double quotes."""

    @property
    def file_name(self) -> str:
        """The name to save it as."""

    def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end) in order, verified.

        Raises NoHolder, FileChanged or StorageError. Whatever it holds is freed by `aclose`.
        """


def media_type_of(file_name: str) -> str:
    """Return the media type for a file name. Never one that a browser would run, such as HTML."""
    suffix = PurePosixPath(file_name).suffix.lower()
    return MEDIA_TYPES.get(suffix, "application/octet-stream")


def file_content(
    path: Path,
    expected_size: int,
    expected_mtime_ns: int,
    *,
    etag: str,
    media_type: str | None = None,
    file_name: str | None = None,
) -> FileContent:
    """Return the content of a complete file, as long as it is the one that was verified.

    `etag` comes with its quotes. The file is opened by `read`, which raises FileChanged where its
    size or time of change is not the expected one, and StorageError where it cannot be read.
    """
    name = path.name if file_name is None else file_name
    return FileContent(
        path,
        expected_size,
        expected_mtime_ns,
        etag=etag,
        media_type=media_type or media_type_of(name),
        file_name=name,
    )


class FileContent:
    """A complete file on disk."""

    def __init__(
        self,
        path: Path,
        size: int,
        mtime_ns: int,
        *,
        etag: str,
        media_type: str,
        file_name: str,
    ) -> None:
        self.path = path
        self.size = size
        self.etag = etag
        self.media_type = media_type
        self.file_name = file_name
        self._mtime_ns = mtime_ns

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end), reading one chunk ahead of the consumer."""
        if start >= end:
            return
        fd = await _opened(_readers.submit(self._open))
        ahead: Future[bytes] | None = None
        try:
            length = FIRST_CHUNK
            ahead = self._submit(fd, start, min(end, start + length))
            while ahead is not None:
                data = await asyncio.wrap_future(ahead)
                start += len(data)
                length = min(2 * length, LARGEST_CHUNK)
                ahead = self._submit(fd, start, min(end, start + length)) if start < end else None
                yield data
        finally:
            _close_after(fd, ahead)

    def _submit(self, fd: int, start: int, end: int) -> Future[bytes]:
        return _readers.submit(self._read_chunk, fd, start, end)

    def _open(self) -> int:
        try:
            # Without O_NONBLOCK the open of a FIFO in the file's place would hang.
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise FileChanged(f"{self.path} is no longer there") from error
        except OSError as error:
            raise StorageError(f"cannot open {self.path}: {error.strerror}") from error
        try:
            self._check(fd)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _read_chunk(self, fd: int, start: int, end: int) -> bytes:
        try:
            data = os.pread(fd, end - start, start)
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error
        # After the read: what was changed before or meanwhile shows by now.
        self._check(fd)
        if not data:
            raise FileChanged(f"{self.path} became shorter")
        return data

    def _check(self, fd: int) -> None:
        try:
            opened, named = os.fstat(fd), self.path.stat()
        except FileNotFoundError as error:
            raise FileChanged(f"{self.path} is no longer there") from error
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error
        same = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
        expected = (opened.st_size, opened.st_mtime_ns) == (self.size, self._mtime_ns)
        if not same or not expected or not stat.S_ISREG(opened.st_mode):
            raise FileChanged(f"{self.path} is no longer the file that was shared")


async def _opened(opening: Future[int]) -> int:
    try:
        return await asyncio.wrap_future(opening)
    except asyncio.CancelledError:
        # Too late to stop a thread that is opening the file: it closes what it gets.
        opening.add_done_callback(_close_result)
        raise


def _close_result(opening: Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _close_after(fd: int, reading: Future[bytes] | None) -> None:
    """Close `fd` as soon as no thread reads from it: its number may be given out again."""
    if reading is None:
        os.close(fd)
    else:
        reading.cancel()
        reading.add_done_callback(lambda _: os.close(fd))
