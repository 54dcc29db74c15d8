"""What this node offers to the overlay: public videos, and unlisted ones to who knows their id."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from ..errors import NotFound
from ..library import VideoRecord
from ..models import ClassicFile, Found, Holder, VideoState
from ..overlay.messages import Announce, Announced
from ..playback.content import Content
from .catalog import Catalog
from .streams import Revocable

SHARED = {VideoState.COMPLETE, VideoState.FETCHING}
HOLDERS_TOLD = 20


class Offering:
    """Implements the overlay's Content over the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        ourselves: Callable[[], Holder],
        open_content: Callable[[str], Awaitable[Content]],
        on_response: Callable[[ClassicFile], None],
        announced: Callable[[Announce, str], Announced],
    ) -> None:
        self._catalog = catalog
        self._ourselves = ourselves
        self._open = open_content
        self._on_response = on_response
        self._announced = announced

    async def names_matching(self, key: str, limit: int) -> Sequence[str]:
        """Names of the public files we can serve that contain `key`."""
        return await self._catalog.library.names_matching(key, limit)

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        """Our public videos that match, with us and whom else we know as their holders.

        By its exact id, an unlisted one is found, too: who knows it has the link.
        """
        records = await self._catalog.library.search(text, limit, for_others=True)
        return [found for record in records if (found := self._found(record)) is not None]

    def _found(self, record: VideoRecord) -> Found | None:
        if record.envelope is None or record.state not in SHARED:
            return None
        ourselves = self._ourselves()
        others = [h for h in self._catalog.holders(record.id) if h.peer != ourselves.peer]
        return Found(descriptor=record.envelope, holders=(ourselves, *others[:HOLDERS_TOLD]))

    async def open_file(self, name: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a public file by its name, also while we are still fetching it."""
        record = await self._catalog.library.by_file_name(name)
        if record is None or record.state not in SHARED:
            raise NotFound(f"no file {name[:100]}")
        content = Revocable(await self._open(record.id), lambda: self._catalog.is_served(record.id))
        async with aclosing(content.read(0, content.size)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def metadata(self, info_hash: str) -> bytes | None:
        """The info dictionary of a torrent of ours that is not private."""
        if not self._catalog.is_served(info_hash):
            return None
        return await self._catalog.info(info_hash)

    async def blob(self, sha256: str) -> bytes | None:
        """An attachment of a video that is not private."""
        return await self._catalog.library.get_shared_blob(sha256)

    def announced(self, message: Announce, remote: str) -> Announced | None:
        """A peer fetches a torrent of ours that is not private: who else does."""
        if not self._catalog.is_served(message.info_hash):
            return None
        return self._announced(message, remote)

    def on_response(self, file: ClassicFile) -> None:
        """A classic peer answered a search."""
        self._on_response(file)
