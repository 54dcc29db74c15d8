"""One node per data directory: a lock that the kernel frees when the process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from ..errors import StorageError

_held: set[int] = set()


class DataLock:
    """The lock on a data directory, held until `release` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd
        _held.add(fd)

    @classmethod
    def acquire(cls, directory: Path) -> DataLock:
        """Lock `directory` (created where missing) through its file `lock`.

        Raises StorageError where another node holds it, or the file cannot be written.
        """
        path = directory / "lock"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"cannot use the data directory {directory}: {error}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = _read_pid(fd)
            os.close(fd)
            if isinstance(error, BlockingIOError):
                message = f"{directory} is in use by another node (pid {holder})"
            else:
                message = f"cannot lock the data directory {directory}: {error}"
            raise StorageError(message) from error
        return cls(fd)

    def release(self) -> None:
        """Free the directory. May be called more than once."""
        # The file stays: to unlink it would let two nodes lock two files of the same name.
        if self._fd is not None:
            _held.discard(self._fd)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> DataLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _read_pid(fd: int) -> str:
    try:
        text = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
    except OSError:
        text = ""
    return text if text.isdigit() else "unknown"


def _close_in_child() -> None:
    # A forked worker shares the lock, and would keep it after the node has died.
    for fd in _held:
        os.close(fd)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
