"""Add: a file, an upload or a URL becomes a published video."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..descriptor import is_plain_file_name, parse_payload, seal
from ..errors import InvalidInput, StorageError
from ..identity import Identity
from ..library import PendingImport, VideoRecord
from ..media.jobs import Job, JobControl, Jobs
from ..media.worker import run_in_worker
from ..models import Attachment, Descriptor, Source, VideoState, Visibility
from .attachments import store_attachments
from .catalog import Catalog, described
from .importing import Prepared, former_lengths, prepare
from .incoming import checked_source, delete_others, is_inside, moved, settle, write
from .sharing import problem_of

log = logging.getLogger(__name__)

Share = Callable[[VideoRecord, bytes], None]
Withdraw = Callable[[str], Awaitable[None]]
Show = Callable[[str, Visibility], Awaitable[object]]


class Publisher:
    """Imports files as jobs, and publishes what comes of them."""

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        identity: Identity,
        *,
        name: str,
        place: Callable[[], Mapping[str, Any]],
        data_dir: Path,
        share: Share,
        withdraw: Withdraw,
        show: Show,
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._identity = identity
        self.name = name  # of the publisher, in what is added from now on
        self._place = place  # the fields of a descriptor that tell where its video is
        self._incoming = data_dir / "incoming"
        self._videos = data_dir / "videos"
        self._share = share
        self._withdraw = withdraw
        self._show = show
        self._stopping = False

    def stop(self) -> None:
        """From now on, a cancelled import is one to take up at the next start."""
        self._stopping = True

    async def clean_up(self) -> None:
        """Take up the imports that the last run did not end; delete what they left half-done."""
        pending = await self._catalog.library.all_pending_imports()
        uploads = {Path(entry.source).parent for entry in pending if entry.owned}
        await asyncio.to_thread(delete_others, self._incoming, uploads)
        kept = {self._videos / record.id for record in self._catalog.records()}
        await asyncio.to_thread(delete_others, self._videos, kept)
        for entry in pending:
            self._submit(entry)

    async def add_path(
        self,
        path: Path,
        title: str | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Job:
        """Import a file of the user's. Raises NotFound, InvalidInput for what cannot be one."""
        path = await asyncio.to_thread(checked_source, path)
        if await asyncio.to_thread(is_inside, path, [self._videos, self._incoming]):
            # Shared in place, it would go with the video that it was made for.
            raise InvalidInput(f"{path} lies in the node's own folder: copy it elsewhere first")
        return await self._note(path, owned=False, title=title, visibility=visibility)

    async def add_upload(
        self,
        file_name: str,
        chunks: AsyncIterator[bytes],
        title: str | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Job:
        """Import what a client sends. Raises InvalidInput, StorageError (nothing is left)."""
        if not is_plain_file_name(file_name):
            raise InvalidInput("the upload has no usable file name")
        directory = self._incoming / secrets.token_hex(8)
        try:
            await asyncio.to_thread(directory.mkdir, parents=True)
            path = directory / file_name
            await write(path, chunks)
            return await self._note(path, owned=True, title=title, visibility=visibility)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
            if isinstance(error, OSError):
                raise StorageError(f"cannot store the upload: {error.strerror}") from error
            raise

    def add_download(
        self,
        label: str,
        download: Callable[[Path, JobControl], Awaitable[Path]],
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Job:
        """Import a file that `download` first brings into the directory it is given."""

        async def work(control: JobControl) -> str:
            directory = self._incoming / secrets.token_hex(8)
            directory.mkdir(parents=True)
            try:
                path = await download(directory, control)
                return await self._import(control, path, None, visibility)
            finally:
                shutil.rmtree(directory, ignore_errors=True)

        return self._jobs.submit("add", label, work)

    async def _note(
        self, path: Path, *, owned: bool, title: str | None, visibility: Visibility
    ) -> Job:
        entry = PendingImport(
            id=secrets.token_hex(8),
            source=str(path),
            owned=owned,
            title=title or "",
            visibility=visibility,
            added_at=time.time(),
        )
        await self._catalog.library.put_pending_import(entry)
        return self._submit(entry)

    def _submit(self, entry: PendingImport) -> Job:
        path = Path(entry.source)

        async def work(control: JobControl) -> str:
            closing = False
            try:
                return await self._import(
                    control, path, entry.title or None, entry.visibility, ends=entry.id
                )
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
        self,
        control: JobControl,
        source: Path,
        title: str | None,
        visibility: Visibility,
        *,
        ends: str | None = None,
    ) -> str:
        work = self._incoming / f"work-{control.id}"
        try:
            await asyncio.to_thread(work.mkdir, parents=True, exist_ok=True)
            prepared = await run_in_worker(
                prepare,
                source,
                work,
                former_lengths(self._catalog.records()),
                on_progress=lambda at: control.report(at.stage, at.fraction),
            )
            if prepared.imported.in_place and self._incoming in source.parents:
                prepared = await asyncio.to_thread(moved, prepared, work)
            return await _to_its_end(self._publish(prepared, title, visibility, ends))
        except OSError as error:
            raise StorageError(f"cannot store the video: {error.strerror}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _publish(
        self, prepared: Prepared, title: str | None, visibility: Visibility, ends: str | None
    ) -> str:
        hashed, imported = prepared.hashed, prepared.imported
        known = self._catalog.record(hashed.info_hash)
        path = imported.path
        if known is not None:
            if known.state is VideoState.COMPLETE and not await asyncio.to_thread(
                problem_of, known
            ):
                return await self._restrict(known, visibility)
            await self._make_way(known, path)
        if not imported.in_place:
            path = await asyncio.to_thread(settle, path, self._videos / hashed.info_hash)
        attachments = await store_attachments(self._catalog.library, imported)
        descriptor = self._describe(prepared, title, attachments)
        record = self._record(prepared, path, descriptor, visibility)
        await self._catalog.put(record, ends=ends)
        self._share(record, hashed.info)
        return record.id

    async def _restrict(self, known: VideoRecord, visibility: Visibility) -> str:
        """What is here already keeps its visibility, unless it was added anew to show less of it.

        What is private must not become public because a form had its usual value.
        """
        narrower = known.visibility.narrower(visibility)
        if narrower is not known.visibility:
            await self._show(known.id, narrower)
        return known.id

    def _record(
        self, prepared: Prepared, path: Path, descriptor: Descriptor, visibility: Visibility
    ) -> VideoRecord:
        known = self._catalog.record(descriptor.id)
        if known is not None:
            visibility = known.visibility.narrower(visibility)
        sequence = 0
        if known is not None and known.mine and known.envelope is not None:
            # It is to supersede what others have of it.
            sequence = parse_payload(known.envelope.payload).sequence + 1
        descriptor = msgspec.structs.replace(
            descriptor, sequence=sequence, unlisted=visibility is not Visibility.PUBLIC
        )
        return VideoRecord(
            id=descriptor.id,
            envelope=seal(descriptor, self._identity),
            path=str(path),
            state=VideoState.COMPLETE,
            added_at=time.time(),
            in_place=prepared.imported.in_place,
            mtime_ns=path.stat().st_mtime_ns,
            mine=True,
            torrent=prepared.hashed.info,
            poster=descriptor.poster.sha256 if descriptor.poster else None,
            trackers=descriptor.trackers,
            visibility=visibility,
            **described(descriptor),
        )

    async def _make_way(self, known: VideoRecord, path: Path) -> None:
        """The same video is half fetched, or its file is lost: the new file takes its place."""
        await self._withdraw(known.id)
        directory = self._videos / known.id
        if directory not in path.parents:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    def _describe(
        self, prepared: Prepared, title: str | None, attachments: tuple[Attachment, ...]
    ) -> Descriptor:
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
        return Descriptor(
            title=(title or imported.title)[:500],
            duration=imported.duration,
            width=imported.width,
            height=imported.height,
            published_at=time.time(),
            publisher=self.name,
            sources=(source,),
            attachments=attachments,
            **self._place(),
        )


async def _to_its_end(publishing: Coroutine[Any, Any, str]) -> str:
    """A cancel that comes while the result is stored comes too late."""
    task = asyncio.ensure_future(publishing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task
