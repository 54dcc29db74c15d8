"""Putting a copy of a fetched file where the user wants it, at little cost."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

from ..errors import StorageError

FICLONE = 0x40049409  # ioctl_ficlone(2)


def place(source: Path, directory: Path, name: str) -> Path:
    """Put `source` into `directory` as `name`; returns the file's path there.

    Shares the blocks where the file system can (reflink), else makes a hard link, else copies.
    Never overwrites: another file of that name makes it `name (2)`. Raises StorageError.
    """
    wanted = directory / Path(name).name
    target, number = wanted, 1
    while target.exists() or target.is_symlink():
        if _same(source, target):
            return target
        number += 1
        target = wanted.with_stem(f"{wanted.stem} ({number})")
    aside = directory / f".{os.getpid()}.{Path(name).name[:200]}.part"
    try:
        if not _reflink(source, aside) and not _hard_link(source, aside):
            shutil.copyfile(source, aside)
        # A whole file appears, or none; and a file that came meanwhile is kept.
        os.link(aside, target)
    except OSError as error:
        raise StorageError(f"cannot copy to {directory}: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    return target


def _same(left: Path, right: Path) -> bool:
    with contextlib.suppress(OSError):
        return left.samefile(right)
    return False


def _reflink(source: Path, target: Path) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            fcntl.ioctl(writing.fileno(), FICLONE, reading.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True


def _hard_link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
