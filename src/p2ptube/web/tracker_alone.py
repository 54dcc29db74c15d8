"""A tracker without a node: its port, its pages, and whatever routes are added to them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..config import Config
from ..errors import P2PTubeError
from ..network import Blocked
from ..tracker.tracker import Tracker
from .problems import HANDLERS
from .public_origin import socket_origin
from .public_port import PublicPort, listening_host
from .public_site import Admission, PublicHeaders, PublicSite
from .tls import Certificate
from .tracker_routes import TrackerRoutes
from .tracker_server import TrackerServer

Extra = Callable[[PublicSite], Sequence[BaseRoute]]

ABOUT = "p2ptube: a tracker, at which the peers of a video meet.\n\n{urls}\n"


@contextlib.asynccontextmanager
async def running_tracker(
    config: Config, port: int, extra: Extra = lambda _: ()
) -> AsyncIterator[int]:
    """Run a tracker meanwhile; gives its port.

    It listens at `config.host`, or at every address where the user chose none. `extra` gives
    further routes, which come first. Raises Conflict where the port is taken, InvalidInput for a
    certificate that cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        certificate = None
        if config.tls_cert and config.tls_key:
            certificate = Certificate(config.tls_cert, config.tls_key)
        public = PublicPort(listening_host(config), port, "--port")
        stack.callback(public.close)
        server = TrackerServer(
            Tracker(random.Random(), secrets.token_bytes(32)),  # noqa: S311  samples peers
            behind_proxy=bool(config.public_url),
            blocks=Blocked(config.blocked).covers,
        )
        stack.push_async_callback(public.stop)
        app = create_tracker_app(config, server, extra)
        await public.start(app, server, certificate.context if certificate else None)
        if certificate:
            stack.callback(asyncio.create_task(certificate.watch()).cancel)
        yield public.port


def create_tracker_app(
    config: Config, server: TrackerServer, extra: Extra = lambda _: ()
) -> PublicHeaders:
    """Build the ASGI app of a tracker alone."""
    site = PublicSite(lambda: config.name, config.public_url, blocks=server.blocks)

    async def about(request: Request) -> Response:
        urls = announce_urls(site.origin(request), udp=not config.public_url)
        return PlainTextResponse(ABOUT.format(urls="\n".join(urls)))

    app = Starlette(
        routes=[
            *extra(site),
            *site.routes(),
            *TrackerRoutes(server, site.client_address).routes(),
            Route("/", about, methods=["GET"]),
        ],
        exception_handlers={
            **HANDLERS,
            P2PTubeError: site.expected,
            HTTPException: site.refused,
        },
    )
    return PublicHeaders(Admission(app, site))


def announce_urls(origin: str, *, udp: bool = True) -> list[str]:
    """The URLs of a tracker at `origin` for each of its protocols.

    Behind a reverse proxy there is no `udp`.
    """
    origins = [origin, socket_origin(origin)]
    if udp:
        origins.insert(1, "udp:" + origin.partition(":")[2])
    return [f"{each}/announce" for each in origins]
