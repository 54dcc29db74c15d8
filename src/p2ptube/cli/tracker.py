"""`p2ptube tracker`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from ..errors import Conflict
from ..models import PeerAddress
from ..node import Node
from ..web.server import run_node
from .client import find_running
from .command import Command, DataDir, Join, Json, of, run

PUBLIC_PORT = 5681


def tracker(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None, typer.Option("--port", help=f"Default {PUBLIC_PORT}; 0 for any free one.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Run a tracker, at which peers of a video meet; prints its announce URL."""
    command = of(ctx, data_dir, as_json, join)
    wished = port if port is not None else command.flags.get("public_port", PUBLIC_PORT)
    run(_tracker(replace(command, flags={**command.flags, "public_port": wished})))


async def _tracker(command: Command) -> None:
    running = await find_running(command.config().data_dir)
    if running is None:
        await run_node(command.one_shot_config(), on_ready=lambda node, _: _announce(command, node))
        return
    async with running as api:
        node = await api.get("node")
    if node["ports"]["public"] is None:
        raise Conflict(
            f"a node without a tracker is running at {running.origin}/: "
            "restart it with --public-port, or give another --data-dir"
        )
    _print_url(command, node["peer_id"], node["ports"]["public"])


def _announce(command: Command, node: Node) -> None:
    view = node.view()
    if view.ports.public is not None:
        _print_url(command, view.peer_id, view.ports.public)


def _print_url(command: Command, peer_id: str, port: int) -> None:
    url = f"http://{PeerAddress(PeerAddress.parse(peer_id).host, port)}/announce"
    command.output.document({"tracker": url, "port": port})
    command.output.line(f"tracker {url}")
