"""`p2ptube watch`: play while it is being fetched."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import InvalidInput
from ..playback.launching import has_display
from ..playback.players import PLAYERS, program_of
from .choosing import named_file
from .command import Command, DataDir, Join, Json, fail, of, run
from .videos import FileOption, Target
from .watching import WITH_SUBTITLES, Wish, list_files, watch_video

PlayerOption = Annotated[
    str,
    typer.Option(
        "--player",
        metavar="browser|vlc|mpv|none|COMMAND",
        help="`none` only prints the stream's URL; a COMMAND gets it as its last argument.",
    ),
]
Keep = Annotated[
    bool | None,
    typer.Option("--keep/--no-keep", help="Whether it stays here; usually as in the settings."),
]
Listing = Annotated[
    bool, typer.Option("--list", help="List the files of its torrent, and play nothing.")
]
SubtitlesOption = Annotated[
    str | None,
    typer.Option(
        "--subtitles",
        help="Show these in VLC or mpv, and offer no others.",
        metavar="LANGUAGE|FILE|none",
    ),
]
WebPort = Annotated[
    int | None,
    typer.Option("--web-port", help="Port of the stream's URL.", metavar="P", min=0, max=65535),
]


def watch(
    ctx: typer.Context,
    *,
    target: Target,
    player: PlayerOption = "browser",
    keep: Keep = None,
    listing: Listing = False,
    file: FileOption = None,
    subtitles: SubtitlesOption = None,
    web_port: WebPort = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Play a video while it is being fetched.

    Of a torrent with several files, the largest video, or the one you choose. If no node is
    running, one runs until the player is closed, or until Ctrl-C.
    """
    command = of(ctx, data_dir, as_json, join)
    if web_port is not None:
        command = Command({**command.flags, "web_port": web_port}, command.json)
    if player not in PLAYERS:
        try:
            program_of(player)
        except InvalidInput as error:
            raise typer.BadParameter(str(error), param_hint="--player") from None
    if listing:
        run(list_files(command, target))
        return
    if player == "vlc" and not has_display():
        raise fail("VLC needs a screen: try --player none, and open what it prints elsewhere")
    if subtitles and player not in WITH_SUBTITLES:
        reason = "only VLC and mpv can be told: choose them in the player"
        raise typer.BadParameter(reason, param_hint="--subtitles")
    run(watch_video(command, target, Wish(player, keep, named_file(file), subtitles)))
