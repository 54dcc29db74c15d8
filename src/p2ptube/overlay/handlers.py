"""What this peer answers: one handler per message, exact in the texts of the classic protocol."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..errors import NotFound, P2PTubeError, ProtocolViolation
from . import messages as m
from .connection import Connection
from .content import Content
from .finder import Finder
from .membership import Joined, Membership, is_loopback

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024  # of a file or blob in one REPL

Handler = Callable[[Connection, bytes], Awaitable[None]]


class Host(Protocol):
    """What the handlers need of the peer that they serve."""

    @property
    def our_hello(self) -> m.Hello:
        """Who we are."""
        ...

    def peer_added(self, peer_id: str) -> None:
        """A JOIN was taken."""
        ...

    def list_changed(self) -> None:
        """The list of peers changed otherwise."""
        ...


class Handlers:
    """The handlers of all messages; `table` maps types to them."""

    def __init__(
        self, host: Host, membership: Membership, content: Content, finder: Finder
    ) -> None:
        self._host = host
        self._members = membership
        self._content = content
        self._finder = finder
        self.table: dict[str, Handler] = {
            m.NAME: self._name,
            m.LIST: self._list,
            m.JOIN: self._join,
            m.QUERY: self._query,
            m.RESPONSE: self._response,
            m.GET_FILE: self._get_file,
            m.QUIT: self._quit,
            m.PING: self._ping,
            m.HELLO: self._hello,
            m.FIND: self._find,
            m.METADATA: self._metadata,
            m.BLOB: self._blob,
            m.ANNOUNCE: self._announce,
        }

    async def _name(self, connection: Connection, payload: bytes) -> None:
        await connection.reply(self._finder.our_id)

    async def _list(self, connection: Connection, payload: bytes) -> None:
        for line in m.encode_list(self._members.listing_for(connection.is_local)):
            await connection.reply(line)

    async def _join(self, connection: Connection, payload: bytes) -> None:
        try:
            entry = m.decode_entry(payload)
        except ProtocolViolation:
            await connection.refuse(m.JOIN_MALFORMED)
            return
        # Such a peer could not be reached, and we would talk to our own machine's services.
        if is_loopback(entry.address.host) and not connection.is_local:
            await connection.refuse(m.JOIN_MALFORMED)
            return
        outcome = self._members.add(entry.peer_id, entry.address)
        if outcome is Joined.FULL:
            await connection.refuse(m.JOIN_FULL)
        elif outcome is Joined.KNOWN:
            await connection.refuse(m.JOIN_KNOWN.format(entry.peer_id))
        else:
            self._host.peer_added(entry.peer_id)
            await connection.reply(m.JOIN_ADDED.format(entry.peer_id))

    async def _quit(self, connection: Connection, payload: bytes) -> None:
        try:
            peer_id = m.text_of(payload)
        except ProtocolViolation:
            peer_id = payload[:100].decode(errors="replace")
        if self._members.remove(peer_id) is None:
            await connection.refuse(m.QUIT_UNKNOWN.format(peer_id))
            return
        self._host.list_changed()
        await connection.reply(m.QUIT_REMOVED.format(peer_id))

    async def _ping(self, connection: Connection, payload: bytes) -> None:
        """The connection that came about is the answer."""

    async def _query(self, connection: Connection, payload: bytes) -> None:
        try:
            query = m.decode_query(payload)
        except ProtocolViolation:
            await connection.refuse(m.QUERY_MALFORMED)
            return
        await connection.reply(m.QUERY_ACK.format(query.token))
        self._finder.take_query(query, connection)

    async def _response(self, connection: Connection, payload: bytes) -> None:
        file = m.decode_response(payload)
        if connection.is_local or not is_loopback(file.holder.host):
            self._content.on_response(file)

    async def _get_file(self, connection: Connection, payload: bytes) -> None:
        try:
            token = m.text_of(payload)
        except ProtocolViolation:
            token = ""
        # A person may have typed the name as it is, with a percent sign of its own.
        for name in dict.fromkeys((m.unquote(token), token)):
            if name and await self._send_file(connection, name):
                return
        await connection.refuse(m.FILE_NOT_FOUND)

    async def _send_file(self, connection: Connection, name: str) -> bool:
        """Send a file; return False where there is none of this name."""
        started = False
        try:
            chunks = self._content.open_file(name)
            try:
                while (chunk := await connection.wait_for(anext(chunks, None))) is not None:
                    started = True
                    await _reply_in_chunks(connection, chunk)
            finally:
                close = getattr(chunks, "aclose", None)
                if close is not None:
                    await close()
        except P2PTubeError as error:
            if started:
                log.warning("broke off sending %r: %s", name, error)
                connection.break_off()
            elif isinstance(error, NotFound):
                return False
            else:
                log.warning("cannot send %r: %s", name, error)
                await connection.refuse(m.FILE_UNREADABLE)
        return True

    async def _hello(self, connection: Connection, payload: bytes) -> None:
        try:
            m.decode_hello(payload)
        except ProtocolViolation:
            await connection.refuse(m.HELLO_MALFORMED)
            return
        await connection.reply(m.encode_json(self._host.our_hello))

    async def _find(self, connection: Connection, payload: bytes) -> None:
        try:
            message = m.decode_find(payload)
        except ProtocolViolation:
            await connection.refuse(m.FIND_MALFORMED)
            return
        await self._finder.answer_find(connection, message)

    async def _metadata(self, connection: Connection, payload: bytes) -> None:
        try:
            request = m.decode_metadata_request(payload)
        except ProtocolViolation:
            await connection.refuse(m.METADATA_MALFORMED)
            return
        await _answer_bytes(
            connection, self._content.metadata(request.info_hash), m.METADATA_NOT_FOUND
        )

    async def _blob(self, connection: Connection, payload: bytes) -> None:
        try:
            request = m.decode_blob_request(payload)
        except ProtocolViolation:
            await connection.refuse(m.BLOB_MALFORMED)
            return
        await _answer_bytes(connection, self._content.blob(request.sha256), m.BLOB_NOT_FOUND)

    async def _announce(self, connection: Connection, payload: bytes) -> None:
        try:
            message = m.decode_announce(payload)
            m.parse_peer_id(message.peer)
        except ProtocolViolation:
            await connection.refuse(m.ANNOUNCE_MALFORMED)
            return
        answer = self._content.announced(message, connection.remote)
        if answer is None:
            await connection.refuse(m.ANNOUNCE_UNKNOWN)
        else:
            await connection.reply(m.encode_json(answer))


async def _reply_in_chunks(connection: Connection, data: bytes) -> None:
    if len(data) <= CHUNK_BYTES:
        await connection.reply(data)
        return
    view = memoryview(data)
    for start in range(0, len(view), CHUNK_BYTES):
        await connection.reply(view[start : start + CHUNK_BYTES])


async def _answer_bytes(
    connection: Connection, source: Awaitable[bytes | None], not_found: str
) -> None:
    try:
        data = await source
    except P2PTubeError as error:
        log.warning("cannot answer: %s", error)
        data = None
    if data is None:
        await connection.refuse(not_found)
    else:
        await _reply_in_chunks(connection, data)
