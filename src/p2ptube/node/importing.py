"""What a worker process does with a file that is added: make it playable, then hash it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..media.convert import Imported, import_media
from ..swarm import Hashed, hash_file


@dataclass(frozen=True)
class Prepared:
    """A file that is ready to be shared."""

    imported: Imported
    hashed: Hashed


@dataclass(frozen=True)
class Hashing:
    """How far the hashing is: `fraction` 0..1."""

    fraction: float
    stage: str = "hash"


def prepare(source: Path, directory: Path, report: Callable[[Any], None]) -> Prepared:
    """Import `source` and hash what came of it; new files appear in `directory` only.

    Blocks: runs in a worker process. Raises what import_media and hash_file raise.
    """
    imported = import_media(source, directory, report)
    told = 0.0

    def tell(fraction: float) -> None:
        nonlocal told
        if fraction - told >= 0.01 or fraction == 1.0:
            told = fraction
            report(Hashing(fraction))

    return Prepared(imported, hash_file(imported.path, tell))
