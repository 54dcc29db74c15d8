"""Files on their way into the node: looked at, written, moved to their place, cleared away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from ..errors import InvalidInput, NotFound
from .importing import Prepared


def checked_source(path: Path) -> Path:
    """The absolute path of a file to add. Raises NotFound, InvalidInput for what cannot be one."""
    try:
        path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  symlinks keep their names
        if not path.exists():
            raise NotFound(f"there is no file {path}")
        if path.is_dir():
            raise InvalidInput(f"{path} is a directory")
        if not path.is_file():
            raise InvalidInput(f"{path} is not a regular file")
        with path.open("rb"):
            return path
    except PermissionError as error:
        raise InvalidInput(f"no permission to read {path}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"cannot read {path}: {error}") from error


def is_inside(path: Path, directories: list[Path]) -> bool:
    """Whether a path lies below one of the directories, symlinks followed."""
    return any(directory.resolve() in path.resolve().parents for directory in directories)


async def write(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Write a new file from what arrives. Raises OSError, or what `chunks` raises."""
    with path.open("xb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)


def moved(prepared: Prepared, directory: Path) -> Prepared:
    """An upload that needs no conversion is ours to move."""
    imported = prepared.imported
    path = imported.path.rename(directory / imported.path.name)
    return Prepared(replace(imported, path=path, in_place=False), prepared.hashed)


def settle(path: Path, directory: Path) -> Path:
    """Move a finished file to its place for good, safe against a crash of the machine."""
    directory.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    settled = path.rename(directory / path.name)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return settled


def delete_others(directory: Path, kept: set[Path]) -> None:
    """Delete all that is in a directory but what is kept; the directory may be missing."""
    with contextlib.suppress(FileNotFoundError):
        for entry in list(directory.iterdir()):
            if entry in kept:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def entry_of(path: Path, directory: Path) -> Path | None:
    """The entry of `directory` that a path is, or lies in.

    None where it lies elsewhere, or there is nothing. Symlinks on the way are followed, and a path
    with `..` leads nowhere.
    """
    if ".." in path.parts:
        return None
    try:
        path.lstat()
        place = path.parent.resolve() / path.name
        parts = place.relative_to(directory.resolve()).parts
    except (OSError, ValueError, RuntimeError):
        return None
    return directory / parts[0] if parts else None
