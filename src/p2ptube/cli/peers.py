"""`p2ptube peers`: whom this node knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from .client import Api, connect, segment
from .command import Command, DataDir, Join, Json, of, run
from .output import Output

app = typer.Typer(
    help="List the known peers; or add, remove, refresh or rebuild them.", rich_markup_mode=None
)


@app.callback(invoke_without_command=True)
def peers(
    ctx: typer.Context, data_dir: DataDir = None, as_json: Json = False, join: Join = None
) -> None:
    """List the known peers; or add, remove, refresh or rebuild them."""
    command = of(ctx, data_dir, as_json, join)
    if ctx.invoked_subcommand is None:
        run(_answer(command, lambda api: api.get("peers")))


@app.command()
def add(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="HOST:PORT")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Join the peer at HOST:PORT."""
    command = of(ctx, data_dir, as_json, None)
    run(_answer(command, lambda api: api.post("peers", {"address": address})))


@app.command()
def remove(
    ctx: typer.Context,
    peer_id: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Forget the peer ID (as `p2ptube peers` shows it)."""
    command = of(ctx, data_dir, as_json, None)

    async def call(api: Api) -> Any:
        await api.delete(f"peers/{segment(peer_id)}")
        return await api.get("peers")

    run(_answer(command, call))


@app.command()
def refresh(ctx: typer.Context, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Ping all known peers and forget the dead ones."""
    command = of(ctx, data_dir, as_json, None)
    run(_answer(command, lambda api: api.post("peers/refresh")))


@app.command()
def rebuild(
    ctx: typer.Context,
    *,
    address: Annotated[str | None, typer.Argument(metavar="HOST:PORT")] = None,
    hops: Annotated[
        int | None, typer.Option("--hops", help="How far to go.", min=0, max=10)
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Find peers anew, from the one at HOST:PORT or from those known."""
    command = of(ctx, data_dir, as_json, None)
    wish = {"address": address, "hops": hops}
    body = {name: value for name, value in wish.items() if value is not None}
    run(_answer(command, lambda api: api.post("peers/rebuild", body)))


async def _answer(command: Command, call: Callable[[Api], Awaitable[Any]]) -> None:
    async with connect(command) as api:
        found = await call(api)
    output = command.output
    output.document(found)
    _table(output, found if isinstance(found, list) else [found])


def _table(output: Output, found: list[dict[str, Any]]) -> None:
    if not found:
        output.note("no peers are known")
        return
    output.rows(
        ("ID", "Kind", "Name", "State", "Latency"),
        [
            (
                peer["id"],
                peer["kind"],
                peer["name"],
                "alive" if peer["alive"] else "silent",
                "" if peer["latency"] is None else f"{peer['latency'] * 1000:.0f} ms",
            )
            for peer in found
        ],
    )
