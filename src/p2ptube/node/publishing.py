"""Add: a file, an upload or a URL becomes a published video."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..descriptor import is_plain_file_name, seal
from ..errors import InvalidInput, NotFound, StorageError
from ..identity import Identity
from ..library import PendingImport, VideoRecord
from ..media.jobs import Job, JobControl, Jobs
from ..media.worker import run_in_worker
from ..models import Attachment, AttachmentKind, Descriptor, Source, VideoState
from .catalog import Catalog, described
from .importing import Prepared, prepare
from .sharing import problem_of

log = logging.getLogger(__name__)

Share = Callable[[VideoRecord, bytes], None]
Withdraw = Callable[[str], Awaitable[None]]


class Publisher:
    """Imports files as jobs, and publishes what comes of them."""

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        identity: Identity,
        *,
        name: str,
        trackers: tuple[str, ...],
        data_dir: Path,
        share: Share,
        withdraw: Withdraw,
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._identity = identity
        self.name = name  # of the publisher, in what is added from now on
        self._trackers = trackers
        self._incoming = data_dir / "incoming"
        self._videos = data_dir / "videos"
        self._share = share
        self._withdraw = withdraw
        self._stopping = False

    def stop(self) -> None:
        """From now on, a cancelled import is one to take up at the next start."""
        self._stopping = True

    async def clean_up(self) -> None:
        """Take up the imports that the last run did not end; delete what they left half-done."""
        pending = await self._catalog.library.all_pending_imports()
        uploads = {Path(entry.source).parent for entry in pending if entry.owned}
        await asyncio.to_thread(_delete_others, self._incoming, uploads)
        kept = {self._videos / record.id for record in self._catalog.records()}
        await asyncio.to_thread(_delete_others, self._videos, kept)
        for entry in pending:
            self._submit(entry)

    async def add_path(self, path: Path, title: str | None = None) -> Job:
        """Import a file of the user's. Raises NotFound, InvalidInput for what cannot be one."""
        path = await asyncio.to_thread(_checked_source, path)
        if await asyncio.to_thread(_is_inside, path, [self._videos, self._incoming]):
            # Shared in place, it would go with the video that it was made for.
            raise InvalidInput(f"{path} lies in the node's own folder: copy it elsewhere first")
        return await self._note(path, owned=False, title=title)

    async def add_upload(
        self, file_name: str, chunks: AsyncIterator[bytes], title: str | None = None
    ) -> Job:
        """Import what a client sends. Raises InvalidInput, StorageError (nothing is left)."""
        if not is_plain_file_name(file_name):
            raise InvalidInput("the upload has no usable file name")
        directory = self._incoming / secrets.token_hex(8)
        try:
            await asyncio.to_thread(directory.mkdir, parents=True)
            path = directory / file_name
            await _write(path, chunks)
            return await self._note(path, owned=True, title=title)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
            if isinstance(error, OSError):
                raise StorageError(f"cannot store the upload: {error.strerror}") from error
            raise

    def add_download(
        self, label: str, download: Callable[[Path, JobControl], Awaitable[Path]]
    ) -> Job:
        """Import a file that `download` first brings into the directory it is given."""

        async def work(control: JobControl) -> str:
            directory = self._incoming / secrets.token_hex(8)
            directory.mkdir(parents=True)
            try:
                path = await download(directory, control)
                return await self._import(control, path, None)
            finally:
                shutil.rmtree(directory, ignore_errors=True)

        return self._jobs.submit("add", label, work)

    async def _note(self, path: Path, *, owned: bool, title: str | None) -> Job:
        entry = PendingImport(
            id=secrets.token_hex(8),
            source=str(path),
            owned=owned,
            title=title or "",
            added_at=time.time(),
        )
        await self._catalog.library.put_pending_import(entry)
        return self._submit(entry)

    def _submit(self, entry: PendingImport) -> Job:
        path = Path(entry.source)

        async def work(control: JobControl) -> str:
            closing = False
            try:
                return await self._import(control, path, entry.title or None, ends=entry.id)
            except asyncio.CancelledError:
                closing = self._stopping
                raise
            finally:
                # A node that stops takes the import up again at its next start.
                if not closing:
                    await asyncio.shield(self._forget(entry))

        return self._jobs.submit("add", path.name, work)

    async def _forget(self, entry: PendingImport) -> None:
        # In this order: an upload that nothing refers to is deleted at the next start.
        await self._catalog.library.delete_pending_import(entry.id)
        if entry.owned:
            upload = Path(entry.source).parent
            await asyncio.to_thread(shutil.rmtree, upload, ignore_errors=True)

    async def _import(
        self, control: JobControl, source: Path, title: str | None, *, ends: str | None = None
    ) -> str:
        work = self._incoming / f"work-{control.id}"
        try:
            await asyncio.to_thread(work.mkdir, parents=True, exist_ok=True)
            prepared = await run_in_worker(
                prepare,
                source,
                work,
                on_progress=lambda at: control.report(at.stage, at.fraction),
            )
            if prepared.imported.in_place and self._incoming in source.parents:
                prepared = await asyncio.to_thread(_moved, prepared, work)
            return await _to_its_end(self._publish(prepared, title, ends))
        except OSError as error:
            raise StorageError(f"cannot store the video: {error.strerror}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _publish(self, prepared: Prepared, title: str | None, ends: str | None) -> str:
        hashed, imported = prepared.hashed, prepared.imported
        known = self._catalog.record(hashed.info_hash)
        path = imported.path
        if known is not None:
            if known.state is VideoState.COMPLETE and not await asyncio.to_thread(
                problem_of, known
            ):
                return known.id
            await self._make_way(known, path)
        if not imported.in_place:
            path = await asyncio.to_thread(_settle, path, self._videos / hashed.info_hash)
        poster = None
        if imported.poster:
            poster = await self._catalog.library.put_blob(imported.poster)
        descriptor = self._describe(prepared, title, poster)
        record = VideoRecord(
            id=hashed.info_hash,
            envelope=seal(descriptor, self._identity),
            path=str(path),
            state=VideoState.COMPLETE,
            added_at=time.time(),
            in_place=imported.in_place,
            mtime_ns=path.stat().st_mtime_ns,
            mine=True,
            torrent=hashed.info,
            poster=poster,
            trackers=self._trackers,
            **described(descriptor),
        )
        await self._catalog.put(record, ends=ends)
        self._share(record, hashed.info)
        return record.id

    async def _make_way(self, known: VideoRecord, path: Path) -> None:
        """The same video is half fetched, or its file is lost: the new file takes its place."""
        await self._withdraw(known.id)
        directory = self._videos / known.id
        if directory not in path.parents:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    def _describe(self, prepared: Prepared, title: str | None, poster: str | None) -> Descriptor:
        imported, hashed = prepared.imported, prepared.hashed
        source = Source(
            info_hash=hashed.info_hash,
            file_name=imported.path.name,
            size=hashed.size,
            piece_length=hashed.piece_length,
            sha256=hashed.sha256,
            video_codec=imported.video_codec,
            audio_codec=imported.audio_codec,
            bit_rate=imported.bit_rate,
        )
        attachments: tuple[Attachment, ...] = ()
        if poster is not None and imported.poster is not None:
            attachments = (
                Attachment(
                    kind=AttachmentKind.POSTER,
                    sha256=poster,
                    media_type="image/jpeg",
                    size=len(imported.poster),
                ),
            )
        return Descriptor(
            title=(title or imported.title)[:500],
            duration=imported.duration,
            width=imported.width,
            height=imported.height,
            published_at=time.time(),
            publisher=self.name,
            sources=(source,),
            attachments=attachments,
            trackers=self._trackers,
        )


def _checked_source(path: Path) -> Path:
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


def _is_inside(path: Path, directories: list[Path]) -> bool:
    return any(directory.resolve() in path.resolve().parents for directory in directories)


async def _to_its_end(publishing: Coroutine[Any, Any, str]) -> str:
    """A cancel that comes while the result is stored comes too late."""
    task = asyncio.ensure_future(publishing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> None:
    with path.open("xb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)


def _moved(prepared: Prepared, directory: Path) -> Prepared:
    """An upload that needs no conversion is ours to move."""
    imported = prepared.imported
    path = imported.path.rename(directory / imported.path.name)
    return Prepared(replace(imported, path=path, in_place=False), prepared.hashed)


def _settle(path: Path, directory: Path) -> Path:
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


def _delete_others(directory: Path, kept: set[Path]) -> None:
    with contextlib.suppress(FileNotFoundError):
        for entry in list(directory.iterdir()):
            if entry in kept:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
