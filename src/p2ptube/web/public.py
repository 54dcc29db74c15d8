"""What strangers may see: the public pages, streams, and the tracker. No way to the admin API."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from ..errors import P2PTubeError
from ..node import Node
from .problems import HANDLERS
from .public_media import PublicMedia
from .public_pages import PublicPages
from .public_site import Admission, PublicHeaders, PublicSite
from .public_streams import PublicStreams
from .routes_index import IndexRoutes
from .tracker_routes import TrackerRoutes
from .tracker_server import TrackerServer


def create_public_app(node: Node, tracker: TrackerServer) -> PublicHeaders:
    """Build the ASGI app."""
    site = PublicSite(lambda: node.config.name, node.config.public_url, blocks=tracker.blocks)
    app = Starlette(
        routes=[
            *TrackerRoutes(tracker, site.client_address).routes(),
            *site.routes(),
            *PublicPages(node, site).routes(),
            *(IndexRoutes(node.index, site).routes() if node.index else ()),
            *PublicMedia(node, site, PublicStreams(node)).routes(),
        ],
        exception_handlers={
            **HANDLERS,
            P2PTubeError: site.expected,
            HTTPException: site.refused,
        },
    )
    return PublicHeaders(Admission(app, site))
