"""`p2ptube tracker`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any

import typer

from ..config import Config
from ..errors import Conflict
from ..models import PeerAddress
from ..web.signals import on_signals
from .client import find_running
from .command import Command, DataDir, Json, of, run
from .serve import Host, PublicUrl, TlsCert, TlsKey

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
    host: Host = None,
    public_url: PublicUrl = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run a tracker, at which peers of a video meet; prints its announce URLs."""
    settings = {"host": host, "public_url": public_url, "tls_cert": tls_cert, "tls_key": tls_key}
    command = of(ctx, data_dir, as_json, None, **settings)
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
    address = PeerAddress(PeerAddress.parse(node["peer_id"]).host, node["ports"]["public"])
    origin: str = node["public_url"]
    # A reverse proxy has an address of its own, and does not pass on UDP.
    _print_urls(command, origin, address.port, udp=origin.endswith(f"://{address}"))


async def _run(command: Command, config: Config, port: int) -> None:
    # Not for the other verbs, which take half as long without.
    from ..library import DataLock
    from ..overlay.transport import advertised_host
    from ..tracker.index_store import Index
    from ..web.logs import logging_to
    from ..web.public_port import listening_host
    from ..web.routes_index import IndexRoutes
    from ..web.tracker_alone import running_tracker

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
        scheme = "https" if config.tls_cert else "http"
        address = PeerAddress(advertised_host(listening_host(config)), own)
        origin = config.public_url or f"{scheme}://{address}"
        _print_urls(command, origin, own, udp=not config.public_url)
        await stop.wait()


def _print_urls(command: Command, origin: str, port: int, *, udp: bool) -> None:
    from ..web.tracker_alone import announce_urls

    urls = announce_urls(origin, udp=udp)
    document: dict[str, Any] = {"tracker": urls[0], "urls": urls, "port": port}
    command.output.document(document)
    for url in urls:
        command.output.line(f"tracker {url}")
