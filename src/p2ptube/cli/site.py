"""`p2ptube site`: the viewer page as static files, for any web host."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import Conflict, InvalidInput, StorageError
from ..network import parse_stun
from ..web import STATIC
from .command import Command, DataDir, Json, of, run

PAGE = "index.html"
ICON = "icon.svg"
# What an earlier call wrote, with the SHA-256 of each file: these, and no others, may be replaced.
RECORD = "p2ptube-site.json"
STUN_BEFORE = '<meta name="p2ptube-stun" content="'
MOST_NAMED = 3

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if missing.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are not ours, too.")]
Stun = Annotated[
    list[str] | None,
    typer.Option(
        "--stun",
        metavar="HOST:PORT",
        help="A STUN server for viewers behind NAT, who are told of it; may be repeated.",
    ),
]


def site(
    ctx: typer.Context,
    folder: Folder,
    *,
    stun: Stun = None,
    force: Force = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the viewer page: it plays `index.html#magnet:...` links from peers alone."""
    run(_site(of(ctx, data_dir, as_json, None), folder.absolute(), tuple(stun or ()), force))


async def _site(command: Command, folder: Path, stun: tuple[str, ...], force: bool) -> None:
    names = await asyncio.to_thread(write_site, folder, stun=stun, force=force)
    command.output.document({"directory": str(folder), "files": names})
    command.output.line(f"wrote {len(names)} files to {folder}")
    command.output.line(
        f"open {PAGE}#MAGNET there, over https; the link needs a tr=wss://... tracker"
    )


def write_site(folder: Path, *, stun: tuple[str, ...] = (), force: bool = False) -> list[str]:
    """Write the page's files into `folder`, and return their names.

    Raises InvalidInput (a STUN server that is none), Conflict (`folder` holds files of others),
    StorageError.
    """
    files = dict(_files([_stun_url(server) for server in stun]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = _recorded(folder)
        if not force:
            _refuse_foreign(folder, files, before)
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _remove_outdated(folder, before, keep=set(files))
        digests = {name: _digest(data) for name, data in files.items()}
        (folder / RECORD).write_text(json.dumps({"files": digests}, indent=1) + "\n")
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return sorted([*files, RECORD])


def _stun_url(server: str) -> str:
    try:
        return f"stun:{parse_stun(server)}"
    except InvalidInput as error:
        raise InvalidInput(f"--stun {server}: {error}") from error


def _files(ice: list[str]) -> Iterator[tuple[str, bytes]]:
    viewer = STATIC / "viewer"
    if not (viewer / PAGE).is_file():
        raise StorageError("the viewer page was not compiled: run `make`, or reinstall p2ptube")
    for path in sorted(viewer.rglob("*")):
        if path.is_file():
            name = path.relative_to(viewer).as_posix()
            yield name, _with_stun(path.read_bytes(), ice) if name == PAGE else path.read_bytes()
    yield ICON, (STATIC / ICON).read_bytes()


def _with_stun(page: bytes, ice: list[str]) -> bytes:
    servers = html.escape(" ".join(ice))
    return page.replace(STUN_BEFORE.encode(), f"{STUN_BEFORE}{servers}".encode(), 1)


def _recorded(folder: Path) -> dict[str, str]:
    """The names and digests of an earlier call; whatever else is there counts as nothing."""
    try:
        record: Any = json.loads((folder / RECORD).read_text())
        return {str(name): str(digest) for name, digest in record["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _refuse_foreign(folder: Path, files: dict[str, bytes], before: dict[str, str]) -> None:
    foreign = [
        name
        for name, data in files.items()
        if (folder / name).exists()
        and _digest_of(folder / name) not in {before.get(name), _digest(data)}
    ]
    if (folder / RECORD).exists() and not before:
        foreign.append(RECORD)
    if foreign:
        more = f" and {len(foreign) - MOST_NAMED} more" if len(foreign) > MOST_NAMED else ""
        raise Conflict(
            f"{folder} holds files that are not of this page ({', '.join(foreign[:MOST_NAMED])}"
            f"{more}): give another directory, or --force to replace them"
        )


def _remove_outdated(folder: Path, before: dict[str, str], keep: set[str]) -> None:
    """Delete what an earlier version wrote and this one does not, if nobody changed it."""
    for name in before.keys() - keep:
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())
        if inside and path.is_file() and _digest_of(path) == before[name]:
            path.unlink()


def _digest_of(path: Path) -> str:
    if not path.is_file():
        return ""
    return _digest(path.read_bytes())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
