"""The program `p2ptube`: its verbs and their options."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import typer

from . import demo, doctor, edit, peers, serve, site, tracker, videos, watch

HELP = """Peer-to-Peer Tube: share, search and watch videos with no video server.

Without a verb, it runs a node and opens its page (the same as `p2ptube serve`). The other verbs
use the running node of the data directory, or else run a node for the length of the command.
"""

app = typer.Typer(
    name="p2ptube",
    help=HELP,
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback(invoke_without_command=True, help=HELP)(serve.serve)
app.command("serve", help="Run a node and open its page.")(serve.serve)
app.command("add")(videos.add)
app.command("search")(videos.search)
app.command("fetch")(videos.fetch)
app.command("watch")(watch.watch)
app.command("videos")(videos.videos)
app.command("edit")(edit.edit)
app.add_typer(peers.app, name="peers")
app.command("tracker")(tracker.tracker)
app.command("site")(site.site)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit: 0 done, 1 failed (one line on stderr), 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # titles may have letters that a terminal lacks
    app(arguments, prog_name="p2ptube")
