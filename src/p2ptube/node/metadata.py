"""The metadata of torrents, asked of their holders over the overlay (META)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from ..errors import BadSignature, P2PTubeError, ProtocolViolation
from ..models import Holder, PeerAddress
from ..overlay.peer import Peer
from ..swarm import parse_info
from ..tasks import cancel_all
from .catalog import Catalog
from .per_video import PerVideo

log = logging.getLogger(__name__)

HOLDERS_ASKED = 8
CACHE_BYTES = 8 * 1024 * 1024


class Metadata:
    """Asks once, whoever wants it; what came is remembered for a while."""

    def __init__(self, peer: Peer, catalog: Catalog) -> None:
        self._peer = peer
        self._catalog = catalog
        self._asking = PerVideo[bytes | None]()
        self._known: OrderedDict[str, bytes] = OrderedDict()

    @property
    def asking(self) -> int:
        """Of how many videos it is being asked for."""
        return len(self._asking)

    def known(self, video_id: str) -> bytes | None:
        """What came before."""
        return self._known.get(video_id)

    async def of(self, video_id: str) -> bytes | None:
        """The info dictionary of a video's torrent; None if no holder answers.

        Then it comes from the swarm (BEP 9). Whoever is cancelled meanwhile does not end it for
        the others.
        """
        known = self.known(video_id)
        if known is not None:
            self._known.move_to_end(video_id)
            return known
        task = self._asking.get(video_id)
        if task is None:
            task = self._asking.begin(video_id, self._ask(video_id), name="metadata")
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Ask no more."""
        await self._asking.stop_all()

    async def _ask(self, video_id: str) -> bytes | None:
        holders = self._catalog.holders(video_id)[:HOLDERS_ASKED]
        asked = [asyncio.create_task(self._ask_holder(video_id, holder)) for holder in holders]
        try:
            for answer in asyncio.as_completed(asked):
                info = await answer
                if info is not None:
                    self._remember(video_id, info)
                    return info
        finally:
            await cancel_all(*asked)
        return None

    async def _ask_holder(self, video_id: str, holder: Holder) -> bytes | None:
        try:
            info = await self._peer.fetch_metadata(PeerAddress.parse(holder.peer), video_id)
            check_layout(video_id, self._catalog.described_size(video_id), info)
        except P2PTubeError as error:
            log.info("no metadata of %s from %s: %s", video_id, holder.peer, error)
            return None
        return info

    def _remember(self, video_id: str, info: bytes) -> None:
        self._known[video_id] = info
        while sum(map(len, self._known.values())) > CACHE_BYTES:
            self._known.popitem(last=False)


def check_layout(video_id: str, size: int | None, info: bytes) -> None:
    """What the publisher signed and what the torrent says must be the same file.

    `size` is that of a described one. Raises BadSignature, ProtocolViolation.
    """
    layout = parse_info(info)
    if layout.info_hash != video_id:
        raise BadSignature("the metadata is that of another torrent")
    if size is not None and (layout.file_size, layout.files) != (size, 1):
        raise ProtocolViolation("the descriptor does not match the torrent")
