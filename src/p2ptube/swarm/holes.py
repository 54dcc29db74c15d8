"""Giving parts of a file back to the file system: holes, which read as zeros and take no space.

Linux: fallocate(2) with FALLOC_FL_PUNCH_HOLE, as ext4, XFS, Btrfs and tmpfs have it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02
_PROBE_BYTES = 64 * 1024


def can_punch(directory: Path) -> bool:
    """Whether files in this directory can have holes punched. Raises OSError: no file can be."""
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"\0" * _PROBE_BYTES)
        file.flush()
        try:
            _punch(file.fileno(), 0, _PROBE_BYTES)
        except OSError:
            return False
        return True


def punch(path: Path, holes: Iterable[tuple[int, int]]) -> None:
    """Punch holes [start, end) into a file, whose size stays. Raises OSError.

    A file that is not there has no space to give back.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        for start, end in holes:
            if end > start:
                _punch(descriptor, start, end - start)
    finally:
        os.close(descriptor)


def _punch(descriptor: int, start: int, length: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # Of glibc and musl; with it, offsets have 64 bits on 32-bit machines, too.
    call = getattr(libc, "fallocate64", None) or libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, length) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
