"""The index of a tracker over HTTP: publications, searches, and a plain page to browse."""

from __future__ import annotations

import re
import time
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..descriptor import parse_payload
from ..errors import BadSignature, ProtocolViolation
from ..models import Found
from ..swarm import magnet_link
from ..tracker.addresses import Scope, household, pack, scope_of
from ..tracker.index import MAX_BODY, MAX_RESULTS
from ..tracker.index_rates import Rates
from ..tracker.index_search import Query
from ..tracker.index_store import Index
from .exchange import as_json, media_type, number, read_body
from .problems import problem
from .tracker_alone import announce_urls

PER_PAGE = 50
MOST_PAGES = 200
USUAL_RESULTS = 50
LONGEST_QUERY = 200  # characters, on the page
_WEB = re.compile(r"https?://[^\s/]+", re.IGNORECASE)
# Anybody's page may search: what is answered is public, and nobody's in particular.
ANY_ORIGIN = {"access-control-allow-origin": "*"}

# A node with 10,000 videos publishes in some 60 parts at its start, then 10 every 15 minutes; many
# may be behind one address.
PUBLICATIONS = {"per_second": 2.0, "burst": 600.0}
SEARCHES = {"per_second": 5.0, "burst": 100.0}


class Site(Protocol):
    """The pages' frame."""

    def origin(self, request: Request) -> str:
        """Where the one who asks sees this tracker, such as `https://tube.example`."""

    def client_address(self, request: Request) -> str:
        """The IP address that a request comes from."""

    def page(self, request: Request, template: str, **values: Any) -> Response:
        """The template, filled in."""


class IndexRoutes:
    """Translates between HTTP and an index."""

    def __init__(self, index: Index, site: Site) -> None:
        self._index = index
        self._site = site
        self._publications = Rates(**PUBLICATIONS)
        self._searches = Rates(**SEARCHES)

    def routes(self, *, home: bool = False) -> list[BaseRoute]:
        """The routes, relative to `/`; with `home`, the page is also what `/` shows."""
        return [
            *([Route("/", self.page, methods=["GET"])] if home else ()),
            Route("/index", self.page, methods=["GET"]),
            Route("/index", self.publish, methods=["POST"]),
            Route("/index.json", self.info, methods=["GET"]),
            Route("/search", self.search, methods=["GET"]),
        ]

    async def info(self, _: Request) -> Response:
        """`GET /index.json`: what the index says of itself."""
        return as_json(self._index.info(), headers=ANY_ORIGIN)

    async def publish(self, request: Request) -> Response:
        """`POST /index`: a signed publication; the answer says what else is wanted."""
        source = self._charge(request, self._publications)
        if media_type(request) != "application/json":
            raise HTTPException(415, "send the publication as application/json")
        body = await read_body(request, MAX_BODY)
        try:
            return as_json(await self._index.publish(body, source))
        except BadSignature as error:
            return problem(403, error.title, str(error))
        except ProtocolViolation as error:
            return problem(400, "Bad request", str(error))

    async def search(self, request: Request) -> Response:
        """`GET /search?q=&limit=`: a JSON list of descriptors with their holders."""
        found = await self._search(
            request,
            text=request.query_params.get("q", ""),
            limit=number(request, "limit", 1, MAX_RESULTS) or USUAL_RESULTS,
        )
        return as_json(found, headers=ANY_ORIGIN)

    async def page(self, request: Request) -> Response:
        """`GET /index?q=&page=`: the same for people."""
        text = request.query_params.get("q", "")[:LONGEST_QUERY].strip()
        page = number(request, "page", 1, MOST_PAGES) or 1
        start = (page - 1) * PER_PAGE
        found = await self._search(request, text=text, limit=PER_PAGE + 1, start=start)
        origin = self._site.origin(request)
        info = self._index.info()
        return self._site.page(
            request,
            "index.html",
            query=text,
            videos=[_shown(each, origin) for each in found[:PER_PAGE]],
            page=page,
            more=len(found) > PER_PAGE and page < MOST_PAGES,
            total=info.videos,
            trackers=announce_urls(origin, udp=False),
        )

    async def _search(
        self, request: Request, *, text: str, limit: int, start: int = 0
    ) -> list[Found]:
        source = self._charge(request, self._searches)
        neighbour = scope_of(source) is Scope.MACHINE
        return await self._index.search(
            Query(text=text, limit=limit, start=start, neighbour=neighbour)
        )

    def _charge(self, request: Request, rates: Rates) -> bytes:
        """Return who asks; refuse who asks too often."""
        source = pack(self._site.client_address(request))
        if source is None:
            raise HTTPException(400, "the address that the request comes from is not known")
        seconds = rates.take(household(source), time.monotonic())
        if seconds > 0:
            raise HTTPException(
                429, "too many requests from this address", {"retry-after": f"{seconds + 1:.0f}"}
            )
        return source


def _shown(found: Found, origin: str) -> dict[str, Any]:
    descriptor = parse_payload(found.descriptor.payload)
    source = descriptor.sources[0]
    trackers = dict.fromkeys((*announce_urls(origin, udp=False), *descriptor.trackers))
    # Strangers' words: only what is a web address may become a link.
    website = descriptor.public_url if _WEB.fullmatch(descriptor.public_url) else ""
    return {
        "id": descriptor.id,
        "title": descriptor.title,
        "description": descriptor.description,
        "publisher": descriptor.publisher,
        "published_at": descriptor.published_at,
        "duration": descriptor.duration,
        "size": source.size,
        "holders": len(found.holders),
        "magnet": magnet_link(descriptor.id, source.file_name, tuple(trackers)),
        "watch": f"{website}/watch/{descriptor.id}" if website else "",
    }
