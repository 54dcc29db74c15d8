"""`p2ptube serve`, which is also `p2ptube` without a verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import __version__
from .browser import open_page
from .command import Command, DataDir, Join, Json, run

if TYPE_CHECKING:
    from ..node import Node

Host = Annotated[
    str | None, typer.Option("--host", help="The address to listen at for peers.", metavar="H")
]
PortOption = Annotated[int | None, typer.Option("--port", help="Overlay port, 0 for any free one.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"p2ptube {__version__}")
        raise typer.Exit


SwarmPort = Annotated[
    int | None, typer.Option("--swarm-port", help="Swarm port, 0 for any free one.")
]
WebPort = Annotated[
    int | None, typer.Option("--web-port", help="Port of the page, 0 for any free one.")
]
PublicPort = Annotated[
    int | None, typer.Option("--public-port", help="Show public videos there, and be a tracker.")
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url", help="What strangers call it, if behind a reverse proxy.", metavar="URL"
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", help="Its TLS certificate, a PEM file.", metavar="FILE"),
]
TlsKey = Annotated[
    Path | None, typer.Option("--tls-key", help="The certificate's key.", metavar="FILE")
]
MaxPeers = Annotated[int | None, typer.Option("--max-peers", help="How many peers to know.")]
Trackers = Annotated[
    list[str] | None,
    typer.Option("--tracker", help="Announce to it; may be repeated.", metavar="URL"),
]
Proxy = Annotated[
    str | None,
    typer.Option("--proxy", help="Reach peers through it: socks5:// or http://.", metavar="URL"),
]
Anonymous = Annotated[
    bool | None, typer.Option("--anonymous/--no-anonymous", help="Tell peers no names.")
]
Stun = Annotated[
    str | None,
    typer.Option("--stun-server", help="Ask it for our address.", metavar="HOST:PORT"),
]
Blocked = Annotated[
    list[str] | None,
    typer.Option("--block", help="Stay away from it; may be repeated.", metavar="ADDRESS[/BITS]"),
]
PerAddress = Annotated[
    int | None,
    typer.Option("--connections-per-address", help="How many an address may open to the swarm."),
]
Keep = Annotated[
    bool | None,
    typer.Option("--keep/--no-keep", help="Whether videos that are played stay here."),
]
PlayWindow = Annotated[
    int | None,
    typer.Option("--play-window", help="How much of one that does not.", metavar="BYTES"),
]
Yielding = Annotated[
    bool | None,
    typer.Option(
        "--yielding/--no-yielding",
        help="Whether uploads make way for what else your line carries (on Linux).",
    ),
]
Schedule = Annotated[
    list[str] | None,
    typer.Option(
        "--schedule",
        help="Limits at some hours: 'mon-fri 08:00-18:00 up=1MB/s'; may be repeated.",
        metavar="LINE",
    ),
]
Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version),
]


def serve(
    ctx: typer.Context,
    *,
    data_dir: DataDir = None,
    name: Annotated[str | None, typer.Option("--name", help="What peers see.")] = None,
    host: Host = None,
    port: PortOption = None,
    swarm_port: SwarmPort = None,
    web_port: WebPort = None,
    public_port: PublicPort = None,
    public_url: PublicUrl = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    join: Join = None,
    max_peers: MaxPeers = None,
    tracker: Trackers = None,
    dht: Annotated[
        bool | None, typer.Option("--dht/--no-dht", help="Use the mainline DHT.")
    ] = None,
    lan: Annotated[
        bool | None, typer.Option("--lan/--no-lan", help="Find peers of the local network.")
    ] = None,
    proxy: Proxy = None,
    anonymous: Anonymous = None,
    stun_server: Stun = None,
    blocked: Blocked = None,
    connections_per_address: PerAddress = None,
    yielding: Yielding = None,
    schedule: Schedule = None,
    browser: Annotated[
        bool | None, typer.Option("--browser/--no-browser", help="Open the page.")
    ] = None,
    keep: Keep = None,
    play_window: PlayWindow = None,
    as_json: Json = False,
    version: Version = False,
) -> None:
    """Run a node and open its page."""
    # Registered twice: for the program itself, whose flags then also hold for its verbs.
    before = ctx.obj if isinstance(ctx.obj, Command) else Command()
    given = {n: value for n, value in ctx.params.items() if n not in {"as_json", "version"}}
    command = before.extended(given, as_json)
    ctx.obj = command
    if ctx.invoked_subcommand is None:
        from ..web.server import run_node  # not for other verbs, which take half as long without

        run(_serve(command, run_node))


async def _serve(command: Command, run_node: Callable[..., Awaitable[None]]) -> None:
    config = command.config()
    for flag, given in {"--public-url": config.public_url, "--tls-cert": config.tls_cert}.items():
        if given and config.public_port is None:
            command.output.note(f"{flag} is not used: give --public-port, too")

    def on_ready(node: Node, url: str) -> None:
        view = node.view()
        command.output.document({"ready": url, "peer_id": view.peer_id, "ports": view.ports})
        command.output.line(f"ready {url}")
        if config.browser:
            # With the token, the page opens whatever the browser tells of where it comes from.
            open_page(f"{url}?token={node.token}")

    await run_node(config, on_ready=on_ready)
