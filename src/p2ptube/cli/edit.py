"""`p2ptube edit`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..models import Visibility
from .client import connect, segment
from .command import Command, DataDir, Join, Json, of, run

VideoId = Annotated[str, typer.Argument(metavar="ID", help="Which video; see `p2ptube videos`.")]


def edit(
    ctx: typer.Context,
    *,
    video: VideoId,
    title: Annotated[str | None, typer.Option("--title", help="Its new title.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="Its new description.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Its language, as in `en`.", metavar="TAG")
    ] = None,
    visibility: Annotated[
        Visibility | None,
        typer.Option(
            "--visibility", help="Who may see it: all, who has the link, or this node's user alone."
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Change what a video of this node is called, or who may see it.

    What others fetched before, and what they were told, cannot be taken back.
    """
    command = of(ctx, data_dir, as_json, join)
    given = {
        "title": title,
        "description": description,
        "language": language,
        "visibility": visibility and visibility.value,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("say what to change", param_hint="--title, --visibility, ...")
    run(_edit(command, video.strip().lower(), changes))


async def _edit(command: Command, video_id: str, changes: dict[str, str]) -> None:
    async with connect(command) as api:
        video = await api.patch(f"videos/{segment(video_id)}", changes)
    command.output.document(video)
    command.output.line(f"{video['visibility']} {video['id']} {video['title']}")
