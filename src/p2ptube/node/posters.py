"""Posters: our own from the library, others' from their holders."""

from __future__ import annotations

import logging
from collections import OrderedDict

from ..errors import NotFound, P2PTubeError
from ..models import PeerAddress
from ..overlay.peer import Peer
from .catalog import Catalog

log = logging.getLogger(__name__)

KEPT = 200
LARGEST = 1024 * 1024
HOLDERS_ASKED = 3


class Posters:
    """Gets posters by video id."""

    def __init__(self, catalog: Catalog, peer: Peer) -> None:
        self._catalog = catalog
        self._peer = peer
        self._fetched: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, video_id: str) -> bytes | None:
        """The JPEG of a video's poster, None where there is none. Raises NotFound."""
        record = self._catalog.record(video_id)
        if record is not None and record.poster is not None:
            return await self._catalog.library.get_blob(record.poster)
        try:
            remote = self._catalog.remote(video_id)
        except NotFound:
            if record is None:
                raise
            return None
        poster = remote.descriptor.poster if remote.descriptor else None
        if poster is None or poster.size > LARGEST:
            return None
        return await self._fetch(video_id, poster.sha256)

    async def keep(self, video_id: str) -> None:
        """Store the poster of a video that we fetch, so that we serve it, too."""
        record = self._catalog.record(video_id)
        if record is None or record.poster is not None:
            return
        try:
            jpeg = await self.get(video_id)
            if jpeg is not None and self._catalog.record(video_id) is not None:
                poster = await self._catalog.library.put_blob(jpeg)
                await self._catalog.update(video_id, poster=poster)
        except P2PTubeError as error:
            log.info("no poster of %s: %s", video_id, error)

    async def _fetch(self, video_id: str, sha256: str) -> bytes | None:
        if sha256 not in self._fetched:
            for holder in self._catalog.holders(video_id)[:HOLDERS_ASKED]:
                try:
                    address = PeerAddress.parse(holder.peer)
                    self._fetched[sha256] = await self._peer.fetch_blob(address, sha256)
                    break
                except P2PTubeError as error:
                    log.info("no poster from %s: %s", holder.peer, error)
            while len(self._fetched) > KEPT:
                self._fetched.popitem(last=False)
        return self._fetched.get(sha256)
