"""What every verb shares: its options, its settings, how it runs and how it fails."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ..config import Config, load_config
from ..errors import P2PTubeError
from ..web.signals import on_signals
from .output import Output, safe

T = TypeVar("T")

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where the node keeps its things.", metavar="D")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, and nothing else.")]
Join = Annotated[
    list[str] | None,
    typer.Option("--join", help="A peer to start from; may be repeated.", metavar="HOST:PORT"),
]
FREE_PORTS = ("port", "swarm_port", "web_port")


@dataclass(frozen=True)
class Command:
    """One call of the program: the flags that were given, and where its output goes."""

    flags: dict[str, Any] = field(default_factory=dict)
    json: bool = False

    @property
    def output(self) -> Output:
        """Where to write."""
        return Output(json=self.json)

    def config(self) -> Config:
        """The settings. Raises InvalidInput."""
        return load_config(**self.flags)

    def one_shot_config(self) -> Config:
        """The same for a node of one command: free ports where the user set none."""
        chosen = self.config().model_fields_set
        free = {name: 0 for name in FREE_PORTS if name not in chosen}
        return load_config(**self.flags, **free)

    def extended(self, given: dict[str, Any], as_json: bool) -> Command:
        """Add what was given after the verb to what was given before it."""
        flags = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
            if value not in (None, [], ())
        }
        return Command({**self.flags, **flags}, self.json or as_json)


def of(
    ctx: typer.Context,
    data_dir: Path | None,
    as_json: bool,
    join: list[str] | None,
    **settings: Any,
) -> Command:
    """The Command of a verb's context, which becomes that of the verbs below it.

    `settings` are further ones that the verb takes as options of its own.
    """
    before = ctx.obj if isinstance(ctx.obj, Command) else Command()
    command = before.extended({"data_dir": data_dir, "join": join, **settings}, as_json)
    ctx.obj = command
    return command


def run(work: Awaitable[T]) -> T:
    """Run a verb to its end. On failure: one line on stderr, exit code 1."""
    if not gc.isenabled():  # the program was loaded without it
        gc.freeze()
        gc.enable()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_interruptible(work))
    except P2PTubeError as error:
        raise fail(str(error) or error.title) from None
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise typer.Exit(1) from None
    except BrokenPipeError:
        # Whoever read our output has gone (as `head` does); nothing is left to be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except Exception as error:
        raise fail(f"internal error: {type(error).__name__}: {error}") from error


def fail(reason: str) -> typer.Exit:
    """Say why, in one line on stderr; gives the exception that ends the program with 1."""
    sys.stderr.write(f"p2ptube: {safe(' '.join(reason.split()))}\n")
    return typer.Exit(1)


async def _interruptible(work: Awaitable[T]) -> T:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("not in a task")

    def cancel() -> None:
        task.cancel()

    with on_signals(cancel):
        return await work


async def until_interrupted(work: Awaitable[Any]) -> None:
    """Do `work` until Ctrl-C, where that is how it is meant to end: with exit code 0."""
    try:
        await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
