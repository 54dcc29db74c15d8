"""Runs a node together with its web servers: sockets, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable

from ..config import Config
from ..node import Node
from .admin import create_admin_app
from .listening import LOOPBACK, WebServer
from .logs import logging_to
from .public import create_public_app
from .public_port import PublicPort, listening_host
from .signals import on_signals
from .tls import Certificate
from .tracker_server import TrackerServer

log = logging.getLogger(__name__)

NODE_STOP_SECONDS = 4.0  # for telling the trackers and saving state


@contextlib.asynccontextmanager
async def running_node(config: Config, *, warn: bool = False) -> AsyncIterator[tuple[Node, str]]:
    """Run a node and its web servers meanwhile; gives the node and the page's URL.

    `warn` sends warnings to stderr as well as to the log. Raises Conflict where a port is taken
    or another process has the data directory, and whatever `Node.start` raises.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(logging_to(config.data_dir, warn=warn))
        certificate = None
        if config.tls_cert and config.tls_key and config.public_port is not None:
            certificate = Certificate(config.tls_cert, config.tls_key)
        web = WebServer(LOOPBACK, config.web_port, "--web-port")
        stack.callback(web.socket.close)
        node = Node(config)
        node.set_web_port(web.port)
        public = None
        if config.public_port is not None:
            public = PublicPort(listening_host(config), config.public_port)
            stack.callback(public.close)
            node.set_public_port(public.port)
        # Registered first: a start that fails half-way leaves things to stop, too.
        stack.push_async_callback(_stop_node, node)
        await node.start()
        stopping = asyncio.Event()
        stack.push_async_callback(web.stop)
        await web.start(create_admin_app(node, stopping))
        if public is not None:
            stack.push_async_callback(public.stop)
            await _start_public(public, node, certificate, stack)
        stack.callback(stopping.set)
        yield node, f"http://{LOOPBACK}:{web.port}/"
        log.info("stopping")


async def _start_public(
    public: PublicPort,
    node: Node,
    certificate: Certificate | None,
    stack: contextlib.AsyncExitStack,
) -> None:
    tracker = TrackerServer(
        node.tracker,
        behind_proxy=bool(node.config.public_url),
        blocks=lambda host: node.blocked.covers(host),  # noqa: PLW0108  they change while it runs
    )
    app = create_public_app(node, tracker)
    await public.start(app, tracker, certificate.context if certificate else None)
    if certificate:
        stack.callback(asyncio.create_task(certificate.watch()).cancel)


async def _stop_node(node: Node) -> None:
    try:
        await asyncio.wait_for(node.stop(), NODE_STOP_SECONDS)
    except TimeoutError:
        log.warning("the node did not stop within %.0f s", NODE_STOP_SECONDS)
    except Exception:
        log.exception("the node did not stop in order")


async def run_node(config: Config, *, on_ready: Callable[[Node, str], None]) -> None:
    """Run a node until SIGINT or SIGTERM; `on_ready` gets the node and the page's URL.

    D/node.json exists from then until the end. A second signal ends the process at once.
    """
    stop = asyncio.Event()
    with on_signals(stop.set):
        async with running_node(config, warn=True) as (node, url):
            node.write_node_json()
            # What the start has made stays: no look at it each time that garbage is collected.
            gc.freeze()
            try:
                on_ready(node, url)
                await stop.wait()
            finally:
                node.remove_node_json()  # ours: another node's would not have let us start
