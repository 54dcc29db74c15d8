"""What a peer serves: the node implements this for the overlay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from ..models import ClassicFile, Found
from .messages import Announce, Announced


class Content(Protocol):
    """The files and descriptions that this node offers, and an ear for answers."""

    async def names_matching(self, key: str, limit: int) -> Sequence[str]:
        """Return at most `limit` names of files offered here that contain `key`, in any case."""
        ...

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        """Return at most `limit` of this node's own matches, this node among their holders."""
        ...

    def open_file(self, name: str) -> AsyncIterator[bytes]:
        """Return the bytes of a file in order, in pieces of any size, read as they are asked for.

        May wait for pieces that are still being fetched. Raises (here or from the iterator)
        NotFound, or StorageError or another P2PTubeError where the file cannot be read. After
        the first bytes an error can only be shown by a broken connection.
        """
        ...

    async def metadata(self, info_hash: str) -> bytes | None:
        """Return the bencoded info dictionary of a torrent, or None."""
        ...

    async def blob(self, sha256: str) -> bytes | None:
        """Return an attachment by its SHA-256 in hex, or None."""
        ...

    def announced(self, message: Announce, remote: str) -> Announced | None:
        """A peer at the address `remote` fetches a torrent; None where that is not served here."""
        ...

    def on_response(self, file: ClassicFile) -> None:
        """Take an answer to a classic search. It is unverified: anybody may send one."""
        ...
