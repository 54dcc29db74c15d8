"""Directories for half-made files. They disappear with the work, even where its process is killed.

A killed process cannot clean up. So a worker tells the process that started it, before it makes
such a directory, where that will be. What a node that was killed as a whole leaves lies in its own
folder for what comes in, which it clears at its next start.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ..errors import StorageError

PREFIX = ".import-"

_announce: ContextVar[Callable[[Path], None] | None] = ContextVar("announce", default=None)


@contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A new directory in `parent` (made if missing), deleted on exit.

    Raises StorageError where it cannot be made.
    """
    path = parent / f"{PREFIX}{secrets.token_hex(8)}"
    announce = _announce.get()
    if announce is not None:
        announce(path)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(f"cannot write to {parent}: {error.strerror}") from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def announce_to(callback: Callable[[Path], None]) -> None:
    """Let `callback` know of every scratch directory before it is made."""
    _announce.set(callback)
