"""Whether there is room on the disk for what is about to be fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import StorageError

SPARE_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 512  # of st_blocks, whatever the file system


def check_room(directory: Path, size: int, file: Path | None = None) -> None:
    """Raises StorageError where `size` bytes would leave next to nothing, with numbers.

    What the `file` that they are for takes already is not needed again: it is sparse, and grows.
    """
    size -= taken(file) if file is not None else 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise StorageError(f"cannot use {directory}: {error.strerror}") from error
    if free < size + SPARE_BYTES:
        raise StorageError(f"the disk is full: {max(0, size):,} bytes needed, {free:,} free")


def taken(file: Path) -> int:
    """How much space a file takes, in bytes; 0 where the system does not say it."""
    try:
        return int(getattr(file.stat(), "st_blocks", 0)) * BLOCK_BYTES
    except (OSError, ValueError):
        return 0
