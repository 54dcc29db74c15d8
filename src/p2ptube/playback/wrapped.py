"""A content that is handed on: what is done on the way is up to who inherits from it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from .content import Content


class WrappedContent:
    """The same bytes under the same names as another content's."""

    def __init__(self, content: Content) -> None:
        self.size = content.size
        self.file_name = content.file_name
        self.media_type = content.media_type
        self.etag = content.etag
        self._content = content

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end); closed early, the other one's reading is closed, too."""
        chunks = self._content.read(start, end)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
