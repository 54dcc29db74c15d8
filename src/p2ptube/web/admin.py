"""The user's own interface: the HTTP API under /api/v1, the page, streams. Loopback only."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.routing import Mount

from ..node import Node
from .guards import Guard
from .problems import HANDLERS
from .routes_node import NodeRoutes
from .routes_page import PageRoutes
from .routes_videos import VideoRoutes

API_PREFIX = "/api/v1"


def create_admin_app(node: Node, stopping: asyncio.Event | None = None) -> Guard:
    """Build the ASGI app. Setting `stopping` ends the event streams that would never end."""
    stopping = stopping or asyncio.Event()
    api = [*NodeRoutes(node, stopping).routes(), *VideoRoutes(node, stopping).routes()]
    app = Starlette(
        routes=[Mount(API_PREFIX, routes=api), *PageRoutes(node).routes()],
        exception_handlers=dict(HANDLERS),
    )
    return Guard(app, node.token)
