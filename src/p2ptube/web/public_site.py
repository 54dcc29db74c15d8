"""What all public pages share: where they are, their frame, their headers, their errors."""

from __future__ import annotations

import hashlib
import http
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import FileChanged, OurBug, P2PTubeError, StorageError
from ..playback.ranges import if_none_match
from ..tracker.index_rates import Rates
from . import STATIC, public_origin
from .problems import from_expected, from_http
from .templating import render

log = logging.getLogger(__name__)

STYLESHEET = Path(__file__).parent / "assets" / "public.css"
ICON = STATIC / "icon.svg"
FOR_EVER = "public, max-age=31536000, immutable"
# Of one address, behind which may be many people: a page takes some 30, a seek one or two.
REQUESTS = {"per_second": 30.0, "burst": 600.0}
ASK_AGAIN = "public, no-cache"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; worker-src 'self'; connect-src {connect}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
HEADERS = {
    "content-security-policy": _POLICY.format(style="'self'", connect="'self'", ancestors="'none'"),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class PublicSite:
    """The frame of the pages. `name` gives what the node (or tracker) calls itself.

    `public_url` is the origin behind a reverse proxy; empty: as a request calls us. `blocks` says
    of an address whether it is refused.
    """

    def __init__(
        self,
        name: Callable[[], str],
        public_url: str = "",
        *,
        blocks: Callable[[str], bool] = lambda host: False,
    ) -> None:
        self._name = name
        self._public_url = public_url
        self.blocks = blocks
        self._css = STYLESHEET.read_bytes()
        version = hashlib.sha256(self._css).hexdigest()[:12]
        self._stylesheet = f"/public.css?v={version}"

    def routes(self) -> list[BaseRoute]:
        """What every page needs, relative to `/`."""
        return [
            Route("/public.css", self.css, methods=["GET"]),
            Route("/favicon.ico", self.icon, methods=["GET"]),
        ]

    @property
    def name(self) -> str:
        """What we call ourselves."""
        return self._name()

    def origin(self, request: Request) -> str:
        """Where the one who asks sees this node, such as `https://tube.example`."""
        return public_origin.origin(
            request.url.scheme,
            request.headers.get("host", ""),
            request.scope.get("server") or ("127.0.0.1", 80),
            self._public_url,
        )

    def client_address(self, request: Request) -> str:
        """The address that a request comes from, as far as it can be believed."""
        return public_origin.client_address(
            request.client.host if request.client else "",
            # Some proxies put a header of their own behind the one that a client wrote.
            ",".join(request.headers.getlist("x-forwarded-for")),
            behind_proxy=bool(self._public_url),
        )

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> Response:
        """A page, with an ETag by which a browser keeps it."""
        text = render(
            template,
            **{"site": self.name, "stylesheet": self._stylesheet, "query": ""} | values,
        )
        if status != 200:
            return HTMLResponse(text, status)
        return unless_known(request, HTMLResponse(text))

    def css(self, _: Request) -> Response:
        """The stylesheet; its address changes with its content."""
        return Response(self._css, media_type="text/css", headers={"cache-control": FOR_EVER})

    async def icon(self, _: Request) -> Response:
        """Browsers ask for it unasked."""
        headers = {"cache-control": "public, max-age=86400"}
        return FileResponse(ICON, media_type="image/svg+xml", headers=headers)

    def expected(self, request: Request, error: Exception) -> Response:
        """Answer to an error of our tree: a page for a browser, else problem details."""
        if isinstance(error, P2PTubeError):
            error = for_strangers(error)
        if not isinstance(error, P2PTubeError) or not _wants_page(request):
            return from_expected(request, error)
        return self._problem(request, error.status, error.title, str(error))

    def refused(self, request: Request, error: Exception) -> Response:
        """Answer to what the router or a route refused."""
        if not isinstance(error, HTTPException) or not _wants_page(request):
            return from_http(request, error)
        title = http.HTTPStatus(error.status_code).phrase
        detail = error.detail if error.detail != title else "There is nothing at this address."
        answer = self._problem(request, error.status_code, title, detail)
        answer.headers.update(error.headers or {})
        return answer

    def _problem(self, request: Request, status: int, heading: str, detail: str) -> Response:
        text = detail[:1].upper() + detail[1:]
        text = text if text.endswith(".") else f"{text}."
        return self.page(request, "problem.html", status=status, heading=heading, detail=text)


def for_strangers(error: P2PTubeError) -> P2PTubeError:
    """What strangers are told of an error: nothing of the files and folders of this machine."""
    if not isinstance(error, StorageError | FileChanged | OurBug):
        return error
    log.error("%s", error)
    return type(error)("something is wrong here: the log tells more to whom it concerns")


def unless_known(request: Request, answer: Response) -> Response:
    """The answer with an ETag, or 304 where the client has it already (RFC 9110, 13.1.2)."""
    digest = hashlib.sha256(bytes(answer.body)).hexdigest()[:32]
    answer.headers["etag"] = f'"{digest}"'
    answer.headers.setdefault("cache-control", ASK_AGAIN)
    given = request.headers.get("if-none-match")
    if given is None or if_none_match(given, answer.headers["etag"]):
        return answer
    kept = {name: answer.headers[name] for name in ("etag", "cache-control")}
    return Response(status_code=304, headers=kept)


def policy(connect: Iterable[str], *, embedded: bool) -> str:
    """The Content-Security-Policy of a page with a player; `connect` are origins of trackers."""
    reachable = " ".join(dict.fromkeys(["'self'", *connect]))
    return _POLICY.format(
        style="'self' 'unsafe-inline'",  # the player's controls bring theirs along
        connect=reachable,
        ancestors="*" if embedded else "'none'",
    )


def link(path: str, **parameters: str | int) -> str:
    """A path with a query."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


class PublicHeaders:
    """ASGI middleware: headers that every answer has, unless the route set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if "frame-ancestors 'none'" in headers["content-security-policy"]:
                    headers["x-frame-options"] = "DENY"
            await send(message)

        await self._app(scope, receive, with_headers)


class Admission:
    """ASGI middleware: refuses who is blocked, and who asks too often (429, and when to ask again).

    Whom a reverse proxy asks for is known from the request alone, and a block may be newer than the
    connection that a request comes over.
    """

    def __init__(self, app: ASGIApp, site: PublicSite) -> None:
        self._app = app
        self._site = site
        self._rates = Rates(**REQUESTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        app = self._app
        if scope["type"] == "http":
            request = Request(scope)
            refusal = self._refusal(self._site.client_address(request))
            if refusal is not None:
                app = self._site.refused(request, refusal)
        await app(scope, receive, send)

    def _refusal(self, address: str) -> HTTPException | None:
        if self._site.blocks(address):
            return HTTPException(403, "this address is blocked here")
        seconds = self._rates.take(public_origin.owner_of(address), time.monotonic())
        if seconds <= 0:
            return None
        again = {"retry-after": str(int(seconds) + 1)}
        return HTTPException(429, "your address asks for too much at once", again)
