"""The index of a tracker as this node asks it: over HTTP, or its own without the detour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from ..errors import Conflict, PeerRefused, PeerUnreachable, ProtocolViolation
from ..models import Found, Holder
from ..tracker.addresses import Scope, pack, scope_of
from ..tracker.index import IndexInfo, Receipt, leads_somewhere, parse_results
from ..tracker.index_search import Query
from ..tracker.index_store import Index

INFO_SECONDS = 5.0
PUBLISH_SECONDS = 20.0
SEARCH_SECONDS = 3.0
MAX_ANSWER = 8 * 2**20  # bytes; 200 descriptors of the largest size are less, as base64
CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30)

_WEB_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https", "udp": "http"}
# What servers that have no index answer when they are asked for one.
_NO_INDEX = {301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 410, 426, 501}
_LOOPBACK = bytes((127, 0, 0, 1))

T = TypeVar("T")


class IndexAccess(Protocol):
    """An index that can be asked. All raise PeerFault where it fails."""

    async def info(self) -> IndexInfo | None:
        """What it says of itself; None where the tracker has no index."""

    async def publish(self, body: bytes) -> Receipt | None:
        """Send a signed publication; None where it calls it stale."""

    async def search(self, text: str, limit: int) -> tuple[Found, ...]:
        """What it has that matches; signatures are still to be verified."""


def index_base(tracker: str) -> str:
    """Where the index of a tracker is, if it has one: beside its announce, over HTTP.

    A UDP tracker of this program has the same port for HTTP.
    """
    parts = urlsplit(tracker)
    directory = parts.path.rpartition("/")[0]
    return urlunsplit((_WEB_SCHEMES[parts.scheme.lower()], parts.netloc, directory, "", ""))


def http_client(proxy: str = "") -> httpx.AsyncClient:
    """The client for all indexes. It follows no redirect: a tracker is where the user says."""
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        limits=CONNECTIONS,
        # No compression: a small answer could become a large one.
        headers={"accept": "application/json", "accept-encoding": "identity"},
        proxy=proxy or None,
    )


class HttpIndex:
    """The index of a tracker elsewhere. What it answers is bounded in size and time."""

    def __init__(self, base: str, client: httpx.AsyncClient) -> None:
        self._base = base
        self._client = client
        host = urlsplit(base).hostname or ""
        packed = pack(host)
        local = packed is not None and scope_of(packed) is Scope.MACHINE
        self._neighbour = local or host == "localhost"

    async def info(self) -> IndexInfo | None:
        """What the index says of itself; None where there is none."""
        status, body = await self._call("GET", "/index.json", INFO_SECONDS)
        if status in _NO_INDEX:
            return None
        _check(status, body)
        try:
            return msgspec.json.decode(body, type=IndexInfo)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None  # a web server that answers to everything

    async def publish(self, body: bytes) -> Receipt | None:
        """Send a publication."""
        headers = {"content-type": "application/json"}
        status, answer = await self._call(
            "POST", "/index", PUBLISH_SECONDS, content=body, headers=headers
        )
        if status == httpx.codes.CONFLICT:
            return None
        _check(status, answer)
        return _parse(answer, lambda text: msgspec.json.decode(text, type=Receipt))

    async def search(self, text: str, limit: int) -> tuple[Found, ...]:
        """Search it."""
        params = {"q": text, "limit": str(limit)}
        status, body = await self._call("GET", "/search", SEARCH_SECONDS, params=params)
        _check(status, body)
        return tuple(_dialable(found, self._neighbour) for found in parse_results(body))

    async def _call(
        self, method: str, path: str, seconds: float, **request: Any
    ) -> tuple[int, bytes]:
        url = self._base + path
        body = bytearray()
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(method, url, timeout=seconds, **request) as response,
            ):
                # As it is sent: whoever compresses all the same gets an error for it.
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise ProtocolViolation(f"{url} answers with too much")
                return response.status_code, bytes(body)
        except TimeoutError as error:
            raise PeerUnreachable("does not answer in time") from error
        # ValueError and the like: httpx builds URLs and headers from what is given.
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise PeerUnreachable(str(error) or type(error).__name__) from error


class OwnIndex:
    """The index of this node's own tracker."""

    def __init__(self, index: Index, host: Callable[[], str]) -> None:
        """`host` is where this node is reached."""
        self._index = index
        self._host = host

    async def info(self) -> IndexInfo | None:
        """What the index says of itself."""
        return self._index.info()

    async def publish(self, body: bytes) -> Receipt | None:
        """Send a publication."""
        try:
            return await self._index.publish(body, pack(self._host()) or _LOOPBACK)
        except Conflict:
            return None

    async def search(self, text: str, limit: int) -> tuple[Found, ...]:
        """Search it."""
        return tuple(await self._index.search(Query(text=text, limit=limit, neighbour=True)))


def _dialable(found: Found, neighbour: bool) -> Found:
    """Without the holders that a tracker must not name: an index knows numbers only."""
    holders = []
    for holder in found.holders:
        if leads_somewhere(holder.peer, neighbour=neighbour):
            swarm = [text for text in holder.swarm if leads_somewhere(text, neighbour=neighbour)]
            holders.append(Holder(peer=holder.peer, swarm=tuple(swarm)))
    return msgspec.structs.replace(found, holders=tuple(holders))


def _check(status: int, body: bytes) -> None:
    if status == httpx.codes.OK:
        return
    reason = ""
    try:
        document = msgspec.json.decode(body)
        reason = f": {str(document['detail'])[:300]}"
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError, KeyError, IndexError):
        pass
    raise PeerRefused(f"the index answers {status}{reason}")


def _parse(body: bytes, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"the index answers with something else: {error}") from error
