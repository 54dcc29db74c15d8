"""What a worker process does with a file that is added: make it playable, then hash it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..library import VideoRecord
from ..media.convert import Imported, import_media
from ..swarm import Hashed, hash_file
from ..swarm.publish import piece_length

Lengths = Mapping[tuple[str, int], int]
"""Piece lengths of files, by their names and sizes."""


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


def former_lengths(records: Iterable[VideoRecord]) -> dict[tuple[str, int], int]:
    """The piece lengths of described videos that were chosen by size alone, as once all were.

    Whoever adds such a file again has the same video, not another one.
    """
    return {
        (Path(record.path).name, record.size): record.piece_length
        for record in records
        if record.envelope is not None
        and piece_length(record.size, record.duration)
        != record.piece_length
        == piece_length(record.size)
    }


def prepare(
    source: Path, directory: Path, lengths: Lengths, report: Callable[[Any], None]
) -> Prepared:
    """Import `source` and hash what came of it; new files appear in `directory` only.

    `lengths` are those that the pieces of some files have already. Blocks: runs in a worker
    process. Raises what import_media and hash_file raise.
    """
    imported = import_media(source, directory, report)
    told = 0.0

    def tell(fraction: float) -> None:
        nonlocal told
        if fraction - told >= 0.01 or fraction == 1.0:
            told = fraction
            report(Hashing(fraction))

    def length_of(size: int) -> int:
        known = lengths.get((imported.path.name, size))
        return known or piece_length(size, imported.duration)

    return Prepared(imported, hash_file(imported.path, tell, length_of))
