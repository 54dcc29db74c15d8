"""Posters and captions: our own from the library, others' from their holders."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from ..descriptor import parse_payload
from ..errors import P2PTubeError
from ..library import Library
from ..media import webvtt
from ..media.convert import Imported
from ..models import Attachment, AttachmentKind, Descriptor, PeerAddress
from ..overlay.peer import Peer
from .catalog import Catalog

log = logging.getLogger(__name__)

CACHE_BYTES = 32 * 1024 * 1024
LARGEST_POSTER = 1024 * 1024
HOLDERS_ASKED = 3


class Attachments:
    """Gets what belongs to a video besides its file, by the video's id."""

    def __init__(self, catalog: Catalog, peer: Peer) -> None:
        self._catalog = catalog
        self._peer = peer
        self._fetched: OrderedDict[str, bytes] = OrderedDict()
        self._fetched_bytes = 0

    async def poster(self, video_id: str) -> bytes | None:
        """The JPEG of a video's poster, None where there is none. Raises NotFound."""
        descriptor = self._descriptor(video_id)
        poster = descriptor.poster if descriptor else None
        if poster is None or poster.size > LARGEST_POSTER:
            return None
        return await self._blob(video_id, poster.sha256)

    async def captions(self, video_id: str, language: str) -> bytes | None:
        """A video's captions in a language, as WebVTT; None where there are none. Raises NotFound.

        Whatever the publisher sent, it is plain text with times here.
        """
        record = self._catalog.record(video_id)
        for own in record.captions if record else ():
            if own.language == language:
                return await self._catalog.library.get_blob(own.sha256)
        descriptor = self._descriptor(video_id)
        wanted = descriptor.captions.get(language) if descriptor else None
        if wanted is None or wanted.size > webvtt.MAX_BYTES:
            return None
        data = await self._blob(video_id, wanted.sha256)
        if data is None:
            return None
        try:
            return await asyncio.to_thread(lambda: webvtt.encode(webvtt.decode(data)))
        except P2PTubeError as error:
            log.info("no captions of %s: %s", video_id, error)
            return None

    async def keep(self, video_id: str) -> None:
        """Store what belongs to a video that we fetch, so that we serve it, too."""
        try:
            descriptor = self._descriptor(video_id)
            if descriptor is None:
                return
            poster = descriptor.poster
            if poster is None or poster.size > LARGEST_POSTER:
                log.debug("%s has no poster to keep", video_id)
            elif await self._store(video_id, poster):
                await self._catalog.update(video_id, poster=poster.sha256)
            for captions in descriptor.captions.values():
                if captions.size <= webvtt.MAX_BYTES:
                    await self._store(video_id, captions)
        except P2PTubeError as error:
            log.info("not all that belongs to %s could be kept: %s", video_id, error)

    def _descriptor(self, video_id: str) -> Descriptor | None:
        record = self._catalog.record(video_id)
        if record is None:
            return self._catalog.remote(video_id).descriptor
        return parse_payload(record.envelope.payload) if record.envelope else None

    async def _store(self, video_id: str, attachment: Attachment) -> bool:
        data = await self._blob(video_id, attachment.sha256)
        if data is None or self._catalog.record(video_id) is None:
            return False
        await self._catalog.library.put_blob(data)
        return True

    async def _blob(self, video_id: str, sha256: str) -> bytes | None:
        if self._catalog.record(video_id) is not None:
            stored = await self._catalog.library.get_blob(sha256)
            if stored is not None:
                return stored
        if sha256 in self._fetched:
            self._fetched.move_to_end(sha256)
            return self._fetched[sha256]
        for holder in self._catalog.holders(video_id)[:HOLDERS_ASKED]:
            try:
                data = await self._peer.fetch_blob(PeerAddress.parse(holder.peer), sha256)
            except P2PTubeError as error:
                log.info("no attachment of %s from %s: %s", video_id, holder.peer, error)
                continue
            self._remember(sha256, data)
            return data
        return None

    def _remember(self, sha256: str, data: bytes) -> None:
        if sha256 not in self._fetched:
            self._fetched[sha256] = data
            self._fetched_bytes += len(data)
        while self._fetched_bytes > CACHE_BYTES:
            _, oldest = self._fetched.popitem(last=False)
            self._fetched_bytes -= len(oldest)


async def store_attachments(library: Library, imported: Imported) -> tuple[Attachment, ...]:
    """Put what an import found besides the video into the library; how to name it to others."""
    found = []
    if imported.poster:
        sha256 = await library.put_blob(imported.poster)
        size = len(imported.poster)
        found.append(_attachment(AttachmentKind.POSTER, sha256, "image/jpeg", size))
    for captions in imported.captions:
        sha256 = await library.put_blob(captions.webvtt)
        size = len(captions.webvtt)
        found.append(
            _attachment(AttachmentKind.CAPTIONS, sha256, "text/vtt", size, captions.language)
        )
    return tuple(found)


def _attachment(
    kind: AttachmentKind, sha256: str, media_type: str, size: int, language: str = ""
) -> Attachment:
    return Attachment(kind=kind, sha256=sha256, media_type=media_type, size=size, language=language)
