"""Files that only their owner may read, replaced as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import StorageError


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600, safe against a crash. Raises StorageError."""
    aside = path.with_name(f"{path.name}.new")
    try:
        aside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(aside, flags, 0o600), "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
