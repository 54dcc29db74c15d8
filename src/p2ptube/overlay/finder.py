"""Searches under way: our own, and those that we answer and pass on for others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from ..errors import InvalidInput, P2PTubeError, PeerFault, ProtocolViolation
from ..models import ClassicFile, Found, PeerAddress
from ..tasks import cancel_all
from . import messages as m
from .client import Client
from .connection import Connection
from .content import Content
from .membership import KnownPeer, Membership, is_loopback
from .search import (
    Admission,
    Collector,
    SeenQueries,
    SeenSearches,
    clamp_limit,
    clamp_ttl,
    find_targets,
    local_id,
    query_targets,
)
from .settings import PeerSettings

log = logging.getLogger(__name__)

MAX_ASKED = 128  # peers asked at a time by one search
MAX_WAITING = 64  # answers that wait for whoever reads the search

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Finder:
    """Floods FIND and QUER, and answers them from `content`."""

    def __init__(
        self,
        settings: PeerSettings,
        client: Client,
        membership: Membership,
        content: Content,
        spawn: Spawn,
    ) -> None:
        self._settings = settings
        self._client = client
        self._members = membership
        self._content = content
        self._spawn = spawn
        self._searches = SeenSearches()
        self._queries = SeenQueries()
        self._relays = 0
        self.our_address: PeerAddress  # set at the start, when the port is known

    @property
    def our_id(self) -> str:
        """This peer's id."""
        return str(self.our_address)

    async def find(
        self,
        text: str,
        ttl: int,
        limit: int,
        query_id: str,
        *,
        at: PeerAddress | None,
        most: int | None,
    ) -> AsyncGenerator[Found, None]:
        """Ask all that may speak FIND, or the one at `at`, and yield what comes, as it comes.

        Everybody is asked for `limit` videos; `most` (`limit` if None) are let through.

        Raises InvalidInput.
        """
        message = m.Find(
            id=query_id,
            text=text,
            ttl=clamp_ttl(ttl),
            limit=clamp_limit(limit),
            peer="" if self._settings.unreachable else self.our_id,
            classic="" if self._settings.unreachable else self.our_id,
        )
        try:
            m.decode_find(m.encode_json(message))
        except ProtocolViolation as error:
            raise InvalidInput(f"cannot search for this: {error}") from error
        # Remembered, so that it is not answered by ourselves when it comes round.
        self._searches.first_time(query_id, time.monotonic())
        known = self._members.peers() if at is None else [KnownPeer(id=str(at), address=at)]
        targets = find_targets(known, "")
        collector = Collector(message.limit if most is None else most)
        async with aclosing(self._flood(message, targets, collector)) as answers:
            async for found in answers:
                yield found

    async def _flood(
        self, message: m.Find, targets: Iterable[KnownPeer], collector: Collector
    ) -> AsyncGenerator[Found, None]:
        queue: asyncio.Queue[tuple[str, Found] | None] = asyncio.Queue(MAX_WAITING)
        gate = asyncio.Semaphore(MAX_ASKED)

        async def ask(peer: KnownPeer) -> None:
            async with gate:
                await self._ask(peer, message, queue)

        async def ask_all() -> None:
            await asyncio.gather(*map(ask, targets))
            await queue.put(None)

        asking = asyncio.create_task(ask_all())
        try:
            while collector.room > 0 and (answer := await queue.get()) is not None:
                fresh = collector.take(*answer)
                if fresh is not None:
                    yield fresh
        finally:
            await cancel_all(asking)

    async def _ask(
        self, peer: KnownPeer, message: m.Find, queue: asyncio.Queue[tuple[str, Found] | None]
    ) -> None:
        # Each hop is given less time than the one before, so that nobody waits for a peer whose
        # own patience has not run out yet.
        patience = self._settings.find_hop_timeout * (message.ttl + 1)
        try:
            async with asyncio.timeout(patience):
                async with aclosing(self._client.find(peer, message, self.our_id)) as answers:
                    async for answer in answers:
                        await queue.put(answer)
        except (PeerFault, TimeoutError) as fault:
            log.debug("%s broke off its answer to FIND: %s", peer.id, fault)

    async def answer_find(self, connection: Connection, message: m.Find) -> None:
        """Answer FIND: our own matches at once, then those of others as they come."""
        if not self._searches.first_time(message.id, time.monotonic()):
            await connection.refuse(m.FIND_DUPLICATE)
            return
        collector = Collector(clamp_limit(message.limit))
        for found in await self._local_matches(message.text, collector.room):
            if collector.take(local_id(found), found) is not None:
                await connection.reply(m.encode_json(found))
        ttl = clamp_ttl(message.ttl)
        if ttl == 0 or self._busy:
            return
        self._relays += 1
        try:
            self._ask_classic(message, ttl - 1, connection)
            onward = msgspec.structs.replace(
                message, ttl=ttl - 1, limit=collector.room, peer=self.our_id
            )
            targets = find_targets(self._members.peers(), message.peer)
            await connection.unless_gone(self._relay(connection, onward, targets, collector))
        finally:
            self._relays -= 1

    async def _relay(
        self,
        connection: Connection,
        message: m.Find,
        targets: Iterable[KnownPeer],
        collector: Collector,
    ) -> None:
        async with aclosing(self._flood(message, targets, collector)) as answers:
            async for found in answers:
                await connection.reply(m.encode_json(found))

    async def _local_matches(self, text: str, limit: int) -> Iterable[Found]:
        if limit <= 0:
            return ()
        try:
            return await self._content.find(text, limit)
        except P2PTubeError as error:
            log.warning("the own library could not be searched: %s", error)
            return ()

    def _ask_classic(self, message: m.Find, ttl: int, connection: Connection) -> None:
        """Ask our classic peers in the searcher's name: FIND means nothing to them."""
        try:
            return_peer = m.parse_peer_id(message.classic)
            m.quote(message.text)
        except (ProtocolViolation, InvalidInput):
            return  # the searcher wants no classic answers, or has no key for them
        if not self._may_dial(return_peer, connection) or self._busy:
            return
        now = time.monotonic()
        admission = self._queries.admit(str(return_peer), message.text, ttl, now)
        if admission is not Admission.DUPLICATE:
            targets = query_targets(self._members.peers(), str(return_peer), with_p2ptube=False)
            self._in_background(self._query_all(targets, str(return_peer), message.text, ttl))

    async def search_classic(self, key: str, ttl: int) -> None:
        """Send QUER to all peers that may be classic ones. Raises InvalidInput."""
        m.quote(key)
        if len(key) > m.MAX_KEY:
            raise InvalidInput(f"a key may have {m.MAX_KEY} characters")
        if self._settings.unreachable:
            return  # the answers would have to reach us
        targets = query_targets(self._members.peers(), self.our_id, with_p2ptube=False)
        await self._query_all(targets, self.our_id, key, clamp_ttl(ttl))

    async def _query_all(
        self, targets: Iterable[KnownPeer], return_peer: str, key: str, ttl: int
    ) -> None:
        gate = asyncio.Semaphore(MAX_ASKED)

        async def ask(peer: KnownPeer) -> None:
            async with gate:
                try:
                    await self._client.query(peer.address, return_peer, key, ttl)
                except PeerFault as fault:
                    log.debug("%s did not take QUER: %s", peer.id, fault)

        await asyncio.gather(*map(ask, targets))

    def take_query(self, query: m.Query, connection: Connection) -> None:
        """Work on a QUER that was acknowledged: answer it, or pass it on, in the background."""
        return_peer = query.return_peer
        if return_peer == self.our_address or not self._may_dial(return_peer, connection):
            return
        if self._busy:
            log.debug("too busy for a QUER of %s", return_peer)
            return
        ttl = clamp_ttl(query.ttl)
        admission = self._queries.admit(str(return_peer), query.key, ttl, time.monotonic())
        if admission is not Admission.DUPLICATE:
            self._in_background(self._work_on(query, ttl, admission))

    async def _work_on(self, query: m.Query, ttl: int, admission: Admission) -> None:
        return_peer = str(query.return_peer)
        names = await self._matching_names(query.key)
        if names:
            if admission is Admission.NEW:
                await self._respond(query.return_peer, names)
        elif ttl > 0:
            targets = query_targets(self._members.peers(), return_peer, with_p2ptube=True)
            await self._query_all(targets, return_peer, query.key, ttl - 1)

    @property
    def _busy(self) -> bool:
        return self._relays >= self._settings.max_relays

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self._relays += 1
        self._spawn(work).add_done_callback(self._one_less)

    def _one_less(self, _: object) -> None:
        self._relays -= 1

    async def _matching_names(self, key: str) -> list[str]:
        limit = self._settings.max_responses
        try:
            return list(await self._content.names_matching(key, limit))[:limit]
        except P2PTubeError as error:
            log.warning("the own library could not be searched: %s", error)
            return []

    async def _respond(self, searcher: PeerAddress, names: list[str]) -> None:
        try:
            for name in names:
                file = ClassicFile(file_name=name, holder=self.our_address)
                await self._client.respond(searcher, file)
        except PeerFault as fault:
            log.debug("%s does not take RESP: %s", searcher, fault)

    def _may_dial(self, address: PeerAddress, connection: Connection) -> bool:
        # A stranger must not make us talk to services that listen on this machine only.
        return connection.is_local or not is_loopback(address.host)
