"""Who may use the user's own interface.

The server listens on loopback only, yet three kinds of strangers still reach it: web pages that
the user happens to visit, pages of other local servers, and other local programs.

- **DNS rebinding**: `Host` must name this machine and our port, else 421.
- **CSRF**: whatever comes from another origin (`Origin`, `Sec-Fetch-Site`) is refused. Cookies do
  not know ports, so a page of another local server counts as `same-site` and SameSite alone would
  let it in. A state-changing request that has only the cookie must prove where it comes from.
- **Authorization**: the bearer token of D/node.json, or the session cookie. Default deny.

How the page gets its cookie: `GET /` hands it to a top-level navigation, because the line
`ready http://127.0.0.1:PORT/` is what people (and their scripts) open by hand. The price: another
program on this machine can fetch `/` as well, and so use the interface, as can another user of
the same machine. Against those, loopback without a password is no defence anyway; a web page
cannot do it: it can neither forge `Sec-Fetch-*` and `Host` nor read the answer. Links from other
pages show the page without the cookie; `/?token=TOKEN` always gives it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import P2PTubeError
from .problems import problem

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/", "/favicon.ico"})
CAPABILITY_PREFIXES = ("/stream/", "/poster/", "/captions/")
SECURITY_HEADERS = {
    "content-security-policy": (
        # The parts of the video player bring their styles as elements.
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def derived(token: str, purpose: str) -> str:
    """Return a secret for one purpose; the token cannot be computed back from it."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def session_value(token: str) -> str:
    """The value of the session cookie."""
    return derived(token, "session")


def cookie_name(port: int) -> str:
    """The session cookie's name. Cookies do not know ports, so two nodes need two names."""
    return f"p2ptube_{port}"


def capability(token: str, video_id: str) -> str:
    """The `?token=` that opens the stream, the poster and the captions of this one video.

    Players such as VLC send neither our cookie nor a bearer token, and a URL with the token
    itself would end in their history.
    """
    return derived(token, f"video:{video_id}")


def is_navigation(headers: Headers) -> bool:
    """Whether a person opened this as a page of its own (or the client tells nothing about it)."""
    return (
        headers.get("sec-fetch-mode", "navigate") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def is_own_navigation(headers: Headers) -> bool:
    """Whether it was typed, opened by a program or followed from our own page."""
    return is_navigation(headers) and not _is_other_site(headers)


def _is_other_site(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}


class Guard:
    """ASGI middleware around the whole admin app.

    Refuses what the module's text names, adds the security headers to every answer, and logs
    what went wrong.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        finished = False

        async def harden(message: Message) -> None:
            nonlocal finished
            finished = message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer: ASGIApp = self.refusal(scope) or self._app
        try:
            await answer(scope, receive, harden)
        except Exception as error:
            expected = error if isinstance(error, P2PTubeError) else error.__cause__
            # Where the answer is not whole, returning makes the server cut the connection.
            if isinstance(expected, P2PTubeError) and not finished:
                log.warning("%s %s broke off: %s", scope["method"], scope["path"], expected)
            else:
                log.exception("%s %s failed", scope["method"], scope["path"])

    def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass, or None."""
        headers = Headers(scope=scope)
        server, client = scope.get("server"), scope.get("client")
        port = server[1] if server else None
        if not client or not _is_loopback(client[0]) or headers.get("host") not in _hosts(port):
            return problem(421, "Misdirected request", "this interface is for this machine only")
        if self._is_foreign(scope, headers):
            return problem(403, "Forbidden", "the request comes from another site")
        path = scope["path"]
        is_open = path in OPEN_PATHS or path.startswith("/static/")
        if is_open or self._has_bearer(headers) or self._has_capability(scope):
            return None
        return self._cookie_refusal(scope, headers, port)

    def _cookie_refusal(self, scope: Scope, headers: Headers, port: int | None) -> Response | None:
        if not self._has_cookie(headers, port):
            detail = "open the page anew, or send the token of node.json as a bearer token"
            return problem(401, "Unauthorized", detail, {"www-authenticate": "Bearer"})
        proven = "origin" in headers or headers.get("sec-fetch-site") == "same-origin"
        if scope["method"] not in SAFE_METHODS and not proven:
            return problem(403, "Forbidden", "a request with a cookie must name its origin")
        return None

    def _is_foreign(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return True
        # A link on another page may lead to our page (which then comes without the cookie).
        harmless = scope["path"] == "/" and scope["method"] == "GET" and is_navigation(headers)
        return _is_other_site(headers) and not harmless

    def _has_bearer(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and same(token.strip(), self._token)

    def _has_cookie(self, headers: Headers, port: int | None) -> bool:
        if port is None:
            return False
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(cookie_name(port))
        except CookieError:
            return False
        return cookie is not None and same(cookie.value, session_value(self._token))

    def _has_capability(self, scope: Scope) -> bool:
        path = scope["path"]
        prefix = next((p for p in CAPABILITY_PREFIXES if path.startswith(p)), None)
        if prefix is None or scope["method"] not in SAFE_METHODS:
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        video_id, _, _ = path.removeprefix(prefix).partition("/")
        return same(given, capability(self._token, video_id))


def _hosts(port: int | None) -> frozenset[str]:
    names = ("127.0.0.1", "localhost", "[::1]")
    hosts = {f"{name}:{port}" for name in names}
    return frozenset(hosts | set(names) if port == 80 else hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
