"""Runs a node together with its web servers: sockets, signals, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn

from ..config import Config
from ..errors import Conflict, InvalidInput
from ..node import Node
from .admin import create_admin_app
from .logs import logging_to
from .public import create_public_app

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
BACKLOG = 256
WEB_STOP_SECONDS = 1  # for answers under way; then they are cut
NODE_STOP_SECONDS = 4.0  # for telling the trackers and saving state
PUBLIC_CONNECTIONS = 1000
# Windows has no SIGHUP.
ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class WebServer:
    """One listening socket with an ASGI app behind it."""

    def __init__(self, host: str, port: int, flag: str) -> None:
        self.socket = listen(host, port, flag)
        self.port: int = self.socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, app: Any, limit: int | None = None) -> None:
        """Serve `app`; returns once requests are answered."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,  # nobody may choose the address that he comes from
            limit_concurrency=limit,
            timeout_graceful_shutdown=WEB_STOP_SECONDS,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self.socket])
        # `serve()` would take the process's signals, which belong to whoever runs the node.
        self._task = asyncio.create_task(self._server.main_loop(), name=f"web {self.port}")

    async def stop(self) -> None:
        """Stop listening, give answers under way a moment, then cut them."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task
        await self._server.shutdown(sockets=[self.socket])


def listen(host: str, port: int, flag: str) -> socket.socket:
    """Listen at `port` (0: any free one). Raises Conflict, or InvalidInput for a bad `host`.

    Connections wait in the backlog until the app serves them, so that nothing is refused while
    the node starts; libtorrent for one would try its tracker again only a minute later.
    """
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise InvalidInput(f"cannot listen at {host!r}: {error.strerror}") from error
    family, kind, protocol, _, address = info[0]
    sock = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is in use" if taken else f"cannot be used ({error.strerror})"
        raise Conflict(f"port {port} {reason}: choose another with {flag} (0: any)") from error
    return sock


@contextlib.asynccontextmanager
async def running_node(config: Config, *, warn: bool = False) -> AsyncIterator[tuple[Node, str]]:
    """Run a node and its web servers meanwhile; gives the node and the page's URL.

    `warn` sends warnings to stderr as well as to the log. Raises Conflict where a port is taken
    or another process has the data directory, and whatever `Node.start` raises.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(logging_to(config.data_dir, warn=warn))
        web = WebServer(LOOPBACK, config.web_port, "--web-port")
        stack.callback(web.socket.close)
        node = Node(config)
        node.set_web_port(web.port)
        public = None
        if config.public_port is not None:
            public = WebServer(config.host, config.public_port, "--public-port")
            stack.callback(public.socket.close)
            node.set_public_port(public.port)
        # Registered first: a start that fails half-way leaves things to stop, too.
        stack.push_async_callback(_stop_node, node)
        await node.start()
        stopping = asyncio.Event()
        stack.push_async_callback(web.stop)
        await web.start(create_admin_app(node, stopping))
        if public is not None:
            stack.push_async_callback(public.stop)
            await public.start(create_public_app(node), PUBLIC_CONNECTIONS)
        stack.callback(stopping.set)
        yield node, f"http://{LOOPBACK}:{web.port}/"
        log.info("stopping")


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
            try:
                on_ready(node, url)
                await stop.wait()
            finally:
                node.remove_node_json()  # ours: another node's would not have let us start


@contextlib.contextmanager
def on_signals(first: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first signal to end; the second ends the process at once.

    These are SIGINT (Ctrl-C), SIGTERM, and SIGHUP (the terminal was closed).
    """
    loop = asyncio.get_running_loop()
    seen = False

    def handle() -> None:
        nonlocal seen
        if seen:
            os._exit(1)
        seen = True
        first()

    handled = []
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in ENDING_SIGNALS:
            # `nohup` has SIGHUP ignored, which means: go on when the terminal is closed.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, handle)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
