"""Where the program's log goes: D/p2ptube.log, and warnings to stderr where asked for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..errors import P2PTubeError, StorageError

log = logging.getLogger(__name__)

MAX_BYTES = 5_000_000
BACKUPS = 2
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def logging_to(data_dir: Path, *, warn: bool) -> Iterator[None]:
    """Log to `data_dir`/p2ptube.log meanwhile; `warn`: warnings to stderr, too.

    Raises StorageError where the directory cannot be made or written.
    """
    handlers = _handlers(data_dir, warn)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every request
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    except P2PTubeError:
        raise
    except Exception:
        log.exception("ended by an unexpected error")
        raise
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _handlers(data_dir: Path, warn: bool) -> list[logging.Handler]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            data_dir / "p2ptube.log", maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        raise StorageError(f"cannot use the data directory {data_dir}: {error.strerror}") from error
    file.setFormatter(logging.Formatter(FORMAT))
    if not warn:
        return [file]
    stderr = logging.StreamHandler()
    stderr.setLevel(logging.WARNING)
    stderr.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    return [file, stderr]
