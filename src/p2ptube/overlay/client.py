"""What this peer asks of others: one function per message, answers checked before use."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..errors import BadSignature, InvalidInput, PeerRefused, PeerUnreachable, ProtocolViolation
from ..models import ClassicFile, Found, PeerAddress
from . import messages as m
from .membership import KnownPeer
from .search import verified
from .settings import PeerSettings
from .transport import Dialler
from .wire import MAX_REPLY

MAX_ANSWERS_PER_VIDEO = 8  # REPLs that one peer may send per video that was asked for
_MAX_SHORT = 1024 * 1024  # bytes in the answer to a message that has a short one (LIST, at most)


class Client:
    """The asking side. Errors are those of `Dialler.exchange` unless said otherwise."""

    def __init__(self, settings: PeerSettings, dialler: Dialler) -> None:
        self._settings = settings
        self._dialler = dialler

    async def request(
        self,
        address: PeerAddress,
        frame_type: str,
        payload: bytes = b"",
        *,
        max_bytes: int = MAX_REPLY,
        timeout: float | None = None,
    ) -> list[bytes]:
        """Send a message and return the payloads of all REPLs.

        `timeout` is the idle time in seconds. Raises ProtocolViolation beyond `max_bytes`.
        """
        replies: list[bytes] = []
        room = max_bytes
        exchange = self._dialler.exchange(address, frame_type, payload, idle_timeout=timeout)
        async with aclosing(exchange) as answers:
            async for reply in answers:
                room -= len(reply) + 1
                if room < 0:
                    raise ProtocolViolation(f"{address} answers without end")
                replies.append(reply)
        return replies

    async def _ask(self, address: PeerAddress, kind: str, payload: bytes = b"") -> list[bytes]:
        timeout = self._settings.probe_timeout
        return await self.request(address, kind, payload, max_bytes=_MAX_SHORT, timeout=timeout)

    async def name(self, address: PeerAddress) -> str:
        """NAME: return the peer's id."""
        replies = await self._ask(address, m.NAME)
        if not replies:
            raise PeerUnreachable(f"{address} closed without an answer")
        peer_id = m.text_of(replies[0])
        m.parse_peer_id(peer_id)
        return peer_id

    async def join(self, address: PeerAddress, ourselves: m.PeerEntry) -> None:
        """JOIN: ask to be known there. Being known already is no failure."""
        try:
            await self._ask(address, m.JOIN, m.encode_entry(ourselves))
        except PeerRefused as refusal:
            if not str(refusal).startswith(m.JOIN_KNOWN.format("").strip()):
                raise

    async def list(self, address: PeerAddress) -> list[m.PeerEntry]:
        """LIST: return whom the peer knows."""
        return m.decode_list(await self._ask(address, m.LIST))

    async def quit(self, address: PeerAddress, our_id: str) -> None:
        """QUIT: ask to be forgotten there."""
        await self._ask(address, m.QUIT, our_id.encode())

    async def ping(self, address: PeerAddress) -> None:
        """PING: connect, send, close."""
        await self._dialler.send(address, m.PING)

    async def hello(self, address: PeerAddress, ours: m.Hello) -> m.Hello | None:
        """HELO: return who the peer is, or None if it took the message and said nothing.

        That, or an ERRO, is what a classic peer does.
        """
        try:
            replies = await self._ask(address, m.HELLO, m.encode_json(ours))
        except PeerRefused:
            return None
        if not replies:
            return None
        hello = m.decode_hello(replies[0])
        m.parse_peer_id(hello.peer)
        return hello

    async def query(self, address: PeerAddress, return_peer: str, key: str, ttl: int) -> None:
        """QUER: ask for files whose name contains `key`; the answers come as RESP."""
        await self._ask(address, m.QUERY, m.encode_query(return_peer, key, ttl))

    async def respond(self, address: PeerAddress, file: ClassicFile) -> None:
        """RESP: tell the searcher of a file."""
        await self._ask(address, m.RESPONSE, m.encode_response(file))

    async def find(
        self, peer: KnownPeer, message: m.Find, our_id: str
    ) -> AsyncGenerator[tuple[str, Found], None]:
        """FIND: yield verified answers, each with its video's id.

        Raises BadSignature or ProtocolViolation at the first answer that is not as it should be.
        """
        room = MAX_ANSWERS_PER_VIDEO * message.limit
        exchange = self._dialler.exchange(peer.address, m.FIND, m.encode_json(message))
        async with aclosing(exchange) as answers:
            async for reply in answers:
                room -= 1
                if room < 0:
                    raise ProtocolViolation(f"{peer.id} answers without end")
                yield verified(m.decode_found(reply), peer, our_id)

    async def fetch_file(self, address: PeerAddress, name: str) -> AsyncGenerator[bytes, None]:
        """FGET: yield the bytes of a file in order.

        Classic peers may hold names in which we would encode a character; if the encoded name is
        not found, the plain one is tried.
        """
        tokens = [m.quote(name)]
        if tokens[0] != name and not any(c.isspace() or not c.isprintable() for c in name):
            tokens.append(name)
        for number, token in enumerate(tokens, 1):
            try:
                exchange = self._dialler.exchange(address, m.GET_FILE, token.encode())
                async with aclosing(exchange) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except PeerRefused as refusal:
                if number == len(tokens) or str(refusal) != m.FILE_NOT_FOUND:
                    raise

    async def fetch_metadata(self, address: PeerAddress, info_hash: str) -> bytes:
        """META: return the bencoded info dictionary. Raises BadSignature if it is another's."""
        request = m.MetadataRequest(info_hash=_hex(info_hash, 40))
        data = b"".join(await self.request(address, m.METADATA, m.encode_json(request)))
        # SHA-1 is what names a v1 torrent (BEP 3); it is no choice of ours.
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != request.info_hash:
            raise BadSignature(f"{address} sent other metadata than was asked for")
        return data

    async def fetch_blob(self, address: PeerAddress, sha256: str) -> bytes:
        """BLOB: return an attachment. Raises BadSignature if it is another one."""
        request = m.BlobRequest(sha256=_hex(sha256, 64))
        data = b"".join(await self.request(address, m.BLOB, m.encode_json(request)))
        if hashlib.sha256(data).hexdigest() != request.sha256:
            raise BadSignature(f"{address} sent another blob than was asked for")
        return data

    async def announce(self, address: PeerAddress, message: m.Announce) -> m.Announced:
        """ANNO: tell that we fetch a torrent; return who else does."""
        replies = await self._ask(address, m.ANNOUNCE, m.encode_json(message))
        if not replies:  # a peer of another version takes no notice
            return m.Announced()
        return m.decode_announced(replies[0])


def _hex(text: str, length: int) -> str:
    digits = text.lower()
    if len(digits) != length or any(c not in "0123456789abcdef" for c in digits):
        raise InvalidInput(f"expected {length} hex digits: {text[:80]!r}")
    return digits
