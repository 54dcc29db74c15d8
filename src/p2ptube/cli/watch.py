"""`p2ptube watch`: play while it is being fetched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..playback.launching import has_display
from ..playback.players import play
from .browser import can_open
from .client import connect
from .command import Command, DataDir, Join, Json, fail, of, run, until_interrupted
from .videos import Target, resolve


class Player(StrEnum):
    """With what to play."""

    BROWSER = "browser"
    VLC = "vlc"
    MPV = "mpv"
    NONE = "none"


def watch(
    ctx: typer.Context,
    *,
    target: Target,
    player: Annotated[
        Player, typer.Option("--player", help="`none` only prints the stream's URL.")
    ] = Player.BROWSER,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Whether the video stays on this machine.")
    ] = True,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Play a video while it is being fetched.

    If no node is running, one runs until the player is closed, or until Ctrl-C.
    """
    command = of(ctx, data_dir, as_json, join)
    if player is Player.VLC and not has_display():
        raise fail("VLC needs a screen: try --player none, and open what it prints elsewhere")
    run(_watch(command, target, player, keep))


async def _watch(command: Command, target: str, player: Player, keep: bool) -> None:
    async with connect(command) as api:
        video = await resolve(api, target)
        if video["state"] != "complete":
            video = await api.post(f"videos/{video['id']}/fetch", {"keep": keep})
        in_page = player is Player.BROWSER
        url = api.page_url(video["id"]) if in_page else api.stream_url(video["id"])
        command.output.document({"url": url, "video": video})
        command.output.line(url)
        if in_page and not can_open():
            command.output.note("no web browser was found here: open the address yourself")
        elif player is not Player.NONE:
            title = video["title"]
            await in_thread(lambda: play(player.value, url, title))
        if api.owned and player in {Player.BROWSER, Player.NONE}:
            command.output.note(f"a node is running at {api.origin}/ until Ctrl-C")
            await until_interrupted(asyncio.Event().wait())


async def in_thread(work: Callable[[], Any]) -> None:
    """Run `work` in a thread that does not outlive the program.

    A thread of the executor would keep the program waiting after Ctrl-C until the player ends.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def target() -> None:
        failure: BaseException | None = None
        try:
            work()
        except BaseException as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=target, name="player", daemon=True).start()
    await ended
