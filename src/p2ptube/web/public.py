"""What strangers may see: the HTTP tracker (BEP 3, 23, 48). Nothing of the user's interface."""

from __future__ import annotations

import logging
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..node import Node
from .problems import HANDLERS

log = logging.getLogger(__name__)

ABOUT = "p2ptube: a tracker for videos that people share without a video server.\n"
HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


def create_public_app(node: Node) -> Starlette:
    """Build the ASGI app."""

    async def about(_: Request) -> Response:
        return PlainTextResponse(ABOUT, headers=HEADERS)

    async def announce(request: Request) -> Response:
        address = request.client.host if request.client else ""
        return _bencoded(node.tracker_announce(_query(request), address, time.time()))

    async def scrape(request: Request) -> Response:
        return _bencoded(node.tracker_scrape(_query(request)))

    return Starlette(
        routes=[
            Route("/", about, methods=["GET"]),
            Route("/announce", announce, methods=["GET"]),
            Route("/scrape", scrape, methods=["GET"]),
        ],
        exception_handlers=dict(HANDLERS),
    )


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _bencoded(answer: bytes) -> Response:
    return PlainTextResponse(answer, headers=HEADERS)
