"""Change what a video is called, and who may find and get it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..descriptor import amend, parse_payload, seal, supersedes
from ..errors import Conflict, P2PTubeError
from ..identity import Identity
from ..library import VideoRecord
from ..models import Descriptor, SignedDescriptor, VideoState, Visibility
from .catalog import Catalog
from .sharing import Sharing

log = logging.getLogger(__name__)

MOST_TRACKERS = 16  # of a record


class Editing:
    """Changes records, one after the other, and brings the session in step with them."""

    def __init__(
        self,
        catalog: Catalog,
        sharing: Sharing,
        identity: Identity,
        withdraw: Callable[[str], Awaitable[None]],
    ) -> None:
        """`withdraw` takes a video out of the session; its record and its file stay."""
        self._catalog = catalog
        self._sharing = sharing
        self._identity = identity
        self._withdraw = withdraw
        self._lock = asyncio.Lock()
        self._newer: dict[str, SignedDescriptor] = {}
        self._taking: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Take no newer descriptors any more."""
        if self._taking is not None:
            self._taking.cancel()

    async def update(
        self, video_id: str, *, visibility: Visibility | None, **texts: str | None
    ) -> VideoRecord:
        """Change the `texts` (title, description, language) or the visibility; None stays.

        Once it returns, a private video is out of the session, its peers disconnected. Raises
        NotFound, Conflict, InvalidInput.
        """
        async with self._lock:
            record = self._catalog.own(video_id)
            changes: dict[str, Any] = {k: text for k, text in texts.items() if text is not None}
            if changes and not record.mine:
                raise Conflict("only its publisher can change a video's description")
            if visibility is not None:
                _check(record, visibility)
                changes["visibility"] = visibility
            if record.mine and record.envelope is not None:
                changes |= self._signed(record.envelope, changes)
            return await self._settle(await self._catalog.update(video_id, **changes))

    def _signed(self, envelope: SignedDescriptor, changes: dict[str, Any]) -> dict[str, Any]:
        """The envelope after `changes` of a record of ours; nothing where it says so already."""
        old = parse_payload(envelope.payload)
        wanted = {name: value for name, value in changes.items() if name != "visibility"}
        if "visibility" in changes:
            wanted["unlisted"] = changes["visibility"] is not Visibility.PUBLIC
        if all(getattr(old, name) == value for name, value in wanted.items()):
            return {}
        return {"envelope": seal(amend(old, wanted), self._identity)}

    async def relocate(self, place: Callable[[], Mapping[str, Any]]) -> None:
        """Say in the descriptors of our videos where they are announced and shown by now.

        `place` gives the fields of a descriptor that tell it. Raises StorageError.
        """
        for video_id in [record.id for record in self._catalog.records() if record.mine]:
            async with self._lock:
                record = self._catalog.record(video_id)
                if record is None or not record.mine or record.envelope is None:
                    continue
                fields = place()
                changes = self._signed(record.envelope, dict(fields))
                if changes:
                    changes["trackers"] = fields["trackers"]
                    await self._catalog.update(video_id, **changes)

    async def fetch_again(self, video_id: str) -> VideoRecord:
        """Something happened to a fetched file: what is left of it is hashed, nothing believed.

        Raises NotFound, Conflict for a private video.
        """
        async with self._lock:
            record = self._catalog.own(video_id)
            if record.visibility is Visibility.PRIVATE:
                raise Conflict(
                    "the video is private, and who fetches one also shares it: "
                    "make it public or unlisted first"
                )
            await self._catalog.library.delete_resume(video_id)
            fields = {"state": VideoState.FETCHING, "detail": "", "mtime_ns": 0}
            return await self._catalog.update(video_id, **fields)

    def take(self, envelope: SignedDescriptor, descriptor: Descriptor) -> None:
        """A publisher's newer descriptor of a video that we hold was heard (and verified)."""
        waiting = self._newer.get(descriptor.id)
        if waiting is None or supersedes(envelope, waiting):
            self._newer[descriptor.id] = envelope
        if self._taking is None or self._taking.done():
            self._taking = asyncio.create_task(self._take_all())

    async def _take_all(self) -> None:
        while self._newer:
            video_id, envelope = self._newer.popitem()
            try:
                await self._take(video_id, envelope)
            except P2PTubeError as error:
                log.warning("cannot take the newer descriptor of %s: %s", video_id, error)

    async def _take(self, video_id: str, envelope: SignedDescriptor) -> None:
        async with self._lock:
            record = self._catalog.record(video_id)
            if record is None or record.envelope is None:
                return
            old, new = parse_payload(record.envelope.payload), parse_payload(envelope.payload)
            # Of what is on our disk nothing can change: its bytes are fixed by the id.
            if not supersedes(envelope, record.envelope) or new.sources[0] != old.sources[0]:
                return
            visibility = record.visibility
            if new.unlisted:
                visibility = visibility.narrower(Visibility.UNLISTED)
            elif old.unlisted and visibility is Visibility.UNLISTED:
                visibility = Visibility.PUBLIC
            changed = await self._catalog.update(
                video_id,
                envelope=envelope,
                # Its publisher may have moved; where others of us meet, we stay, too.
                trackers=tuple(dict.fromkeys(new.trackers + record.trackers))[:MOST_TRACKERS],
                title=new.title,
                description=new.description,
                language=new.language,
                visibility=visibility,
            )
            await self._settle(changed)

    async def _settle(self, record: VideoRecord) -> VideoRecord:
        if record.visibility is Visibility.PRIVATE:
            await self._withdraw(record.id)
        elif record.state is VideoState.COMPLETE and record.torrent is not None:
            self._sharing.seed(record, record.torrent)
        self._sharing.set_listed(record.id)
        return record


def widest(record: VideoRecord) -> Visibility:
    """The widest circle that a video may be opened to here: its publisher has the last word."""
    if record.mine or record.envelope is None:
        return Visibility.PUBLIC
    unlisted = parse_payload(record.envelope.payload).unlisted
    return Visibility.UNLISTED if unlisted else Visibility.PUBLIC


def _check(record: VideoRecord, visibility: Visibility) -> None:
    if visibility is Visibility.PRIVATE and record.state is VideoState.FETCHING:
        raise Conflict(
            "who fetches a video also shares it: it can become private once it is complete"
        )
    if visibility is Visibility.PUBLIC and widest(record) is not Visibility.PUBLIC:
        raise Conflict("its publisher shares it by its link only: it cannot become public here")
