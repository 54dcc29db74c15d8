"""`p2ptube tracker`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any

import typer

from ..config import Config
from ..errors import Conflict
from ..library import DataLock
from ..models import PeerAddress
from ..overlay.transport import advertised_host
from ..tracker.index_store import Index
from ..web.logs import logging_to
from ..web.public_port import listening_host
from ..web.routes_index import IndexRoutes
from ..web.server import on_signals
from ..web.tracker_alone import announce_urls, running_tracker
from .client import find_running
from .command import Command, DataDir, Json, of, run

PUBLIC_PORT = 5681


def tracker(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", help=f"Default {PUBLIC_PORT}; 0 for any free one.", min=0, max=65535
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run a tracker, at which peers of a video meet; prints its announce URLs."""
    command = of(ctx, data_dir, as_json, None)
    run(_tracker(command, port))


async def _tracker(command: Command, port: int | None) -> None:
    config = command.config()
    if port is None:
        port = PUBLIC_PORT if config.public_port is None else config.public_port
    running = await find_running(config.data_dir)
    if running is None:
        await _run(command, config, port)
        return
    async with running as api:
        node = await api.get("node")
    if node["ports"]["public"] is None:
        raise Conflict(
            f"a node without a tracker is running at {running.origin}/: "
            "restart it with --public-port, or give another --data-dir"
        )
    _print_urls(command, config, PeerAddress.parse(node["peer_id"]).host, node["ports"]["public"])


async def _run(command: Command, config: Config, port: int) -> None:
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(on_signals(stop.set))
        stack.enter_context(logging_to(config.data_dir, warn=True))
        stack.callback(DataLock.acquire(config.data_dir).release)
        index = await Index.open(config.data_dir / "index.sqlite")
        stack.push_async_callback(index.close)
        own = await stack.enter_async_context(
            running_tracker(config, port, lambda site: IndexRoutes(index, site).routes(home=True))
        )
        _print_urls(command, config, advertised_host(listening_host(config)), own)
        await stop.wait()


def _print_urls(command: Command, config: Config, host: str, port: int) -> None:
    scheme = "https" if config.tls_cert else "http"
    origin = config.public_url or f"{scheme}://{PeerAddress(host, port)}"
    urls = announce_urls(origin, udp=not config.public_url)
    document: dict[str, Any] = {"tracker": urls[0], "urls": urls, "port": port}
    command.output.document(document)
    for url in urls:
        command.output.line(f"tracker {url}")
