"""What this node offers to the overlay."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from ..errors import NotFound
from ..library import VideoRecord
from ..models import ClassicFile, Found, Holder, VideoState
from ..playback.content import Content
from .catalog import Catalog

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
    ) -> None:
        self._catalog = catalog
        self._ourselves = ourselves
        self._open = open_content
        self._on_response = on_response

    async def names_matching(self, key: str, limit: int) -> Sequence[str]:
        """Names of the files we can serve that contain `key`."""
        return await self._catalog.library.names_matching(key, limit)

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        """Our videos that match, with us and whom else we know as their holders."""
        records = await self._catalog.library.search(text, limit)
        return [found for record in records if (found := self._found(record)) is not None]

    def _found(self, record: VideoRecord) -> Found | None:
        if record.envelope is None or record.state not in SHARED:
            return None
        ourselves = self._ourselves()
        others = [h for h in self._catalog.holders(record.id) if h.peer != ourselves.peer]
        return Found(descriptor=record.envelope, holders=(ourselves, *others[:HOLDERS_TOLD]))

    async def open_file(self, name: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file by its name, also while we are still fetching it."""
        record = await self._catalog.library.by_file_name(name)
        if record is None or record.state not in SHARED:
            raise NotFound(f"no file {name[:100]}")
        content = await self._open(record.id)
        chunks = content.read(0, content.size)
        if isinstance(chunks, AsyncGenerator):
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk

    async def metadata(self, info_hash: str) -> bytes | None:
        """The info dictionary of a torrent."""
        return await self._catalog.info(info_hash)

    async def blob(self, sha256: str) -> bytes | None:
        """An attachment."""
        return await self._catalog.library.get_blob(sha256)

    def on_response(self, file: ClassicFile) -> None:
        """A classic peer answered a search."""
        self._on_response(file)
