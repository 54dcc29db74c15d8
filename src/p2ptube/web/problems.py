"""Errors as RFC 9457 problem details (`application/problem+json`)."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import P2PTubeError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, title: str, detail: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return a problem response; `detail` is one sentence for a person."""
    document: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        document["detail"] = detail
    return Response(msgspec.json.encode(document), status, headers, media_type=MEDIA_TYPE)


def from_expected(request: Request, error: Exception) -> Response:
    """Translate an error of our tree, with the status that it carries."""
    if not isinstance(error, P2PTubeError):
        raise error
    if error.status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem(error.status, error.title, str(error))


def from_http(request: Request, error: Exception) -> Response:
    """Translate what the router or a route refused (404, 405, 413, 415, ...)."""
    if not isinstance(error, HTTPException):
        raise error
    title = http.HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != title else f"{request.method} {request.url.path}"
    return problem(error.status_code, title, detail, error.headers)


def from_json(request: Request, error: Exception) -> Response:
    """Translate a body that is not JSON (400), or not of the shape asked for (422)."""
    if isinstance(error, msgspec.ValidationError):
        return problem(422, "Invalid input", str(error))
    return problem(400, "Bad request", f"the body is not JSON: {error}")


def from_unexpected(_: Request, __: Exception) -> Response:
    """Answer to a bug: nothing of it is told. Starlette raises it on, to be logged."""
    return problem(500, "Internal error", "the node's log tells more")


HANDLERS = {
    Exception: from_unexpected,
    P2PTubeError: from_expected,
    HTTPException: from_http,
    msgspec.DecodeError: from_json,
}
