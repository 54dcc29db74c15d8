"""`p2ptube add`, `search`, `fetch`, `videos`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import Cancelled, NoHolder, NotFound, P2PTubeError
from ..models import Visibility
from .choosing import named_file
from .client import Api, connect, segment
from .command import Command, DataDir, Join, Json, fail, of, run
from .files import place
from .output import VIDEO_HEADS, Advance, safe, size, video_row

ENDED = frozenset({"done", "failed", "cancelled"})
URL_SCHEMES = ("http://", "https://", "magnet:")
Visible = Annotated[
    Visibility,
    typer.Option(
        "--visibility", help="Who may see it: all, who has the link, or this node's user alone."
    ),
]
FileOption = Annotated[
    str | None,
    typer.Option(
        "--file",
        help="Which file of its torrent, usually the largest video.",
        metavar="NUMBER|NAME",
    ),
]
Target = Annotated[
    str,
    typer.Argument(
        metavar="ID|MAGNET|TORRENT",
        help="Which video; a TORRENT is a .torrent file, or its address.",
    ),
]


def videos(
    ctx: typer.Context, data_dir: DataDir = None, as_json: Json = False, join: Join = None
) -> None:
    """List this node's videos, newest first."""
    command = of(ctx, data_dir, as_json, join)
    run(_videos(command))


async def _videos(command: Command) -> None:
    async with connect(command) as api:
        found = await api.get("videos")
    command.output.document(found)
    if not found:
        command.output.note("no videos yet: share one with `p2ptube add FILE`")
    else:
        command.output.rows(VIDEO_HEADS, map(video_row, found))


def add(
    ctx: typer.Context,
    *,
    sources: Annotated[list[str], typer.Argument(metavar="FILE|URL", help="What to share.")],
    visibility: Visible = Visibility.PUBLIC,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Share video files, or what is behind web addresses and magnet links."""
    command = of(ctx, data_dir, as_json, join)
    if not run(_add(command, sources, visibility)):
        raise typer.Exit(1)


async def _add(command: Command, sources: list[str], visibility: Visibility) -> bool:
    """Add all; whether all succeeded. With --json one line per video, in the order they end."""
    async with connect(command) as api, api.events() as events:
        jobs: dict[str, dict[str, Any]] = {}
        failed = 0
        try:
            await anext(events)  # subscribed: no change of a job is missed from here on
            for source in sources:
                try:
                    job = await api.post(
                        "videos", {**_new_video(source), "visibility": visibility.value}
                    )
                    jobs[job["id"]] = job
                except P2PTubeError as error:
                    failed += 1
                    fail(_about(source, str(error)))
            with Advance(command.output) as advance:
                while True:
                    for job in [job for job in jobs.values() if job["state"] in ENDED]:
                        del jobs[job["id"]]
                        failed += not await _added(command, api, job)
                    for job in jobs.values():
                        advance.show(
                            job["label"],
                            job["stage"] or job["state"],
                            job["progress"],
                            remaining=job["remaining"],
                        )
                    if not jobs:
                        return not failed
                    await next_jobs(api, events, jobs)
        except asyncio.CancelledError:
            await _cancel(command, api, jobs)
            raise


def _about(source: str, reason: str) -> str:
    """Name what failed, unless the reason does so."""
    return reason if source and source in reason else f"{source or '(empty)'}: {reason}"


def _new_video(source: str) -> dict[str, object]:
    if source.lower().startswith(URL_SCHEMES):
        return {"url": source}
    path = _absolute(source)
    if not source or not Path(path).exists():
        raise NotFound("no such file")
    return {"path": path}


def _absolute(path: str) -> str:
    # The node may run in another directory.
    return str(Path(path).expanduser().absolute())


async def next_jobs(api: Api, events: Any, jobs: dict[str, dict[str, Any]]) -> None:
    """Wait for a change of one of `jobs`; on a sign of life without one, ask."""
    async for kind, data in events:
        if kind == "job" and data["id"] in jobs:
            jobs[data["id"]] = data
            return
        if not kind:
            for job_id in jobs:
                jobs[job_id] = await api.get(f"jobs/{segment(job_id)}")
            return
    raise P2PTubeError("the node has stopped")


async def _added(command: Command, api: Api, job: dict[str, Any]) -> bool:
    if job["state"] != "done" or job["video"] is None:
        fail(_about(job["label"], job["error"] or job["state"]))
        return False
    video = await api.get(f"videos/{job['video']}")
    command.output.document(video)
    command.output.line(f"added {video['id']} {video['title']}")
    return True


async def _cancel(command: Command, api: Api, jobs: dict[str, dict[str, Any]]) -> None:
    for job in jobs.values():
        try:
            await api.delete(f"jobs/{segment(job['id'])}")
            command.output.note(f"cancelled: {job['label']}")
        except P2PTubeError as error:
            command.output.note(f"cannot cancel {job['label']}: {error}")


def search(
    ctx: typer.Context,
    *,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words of the title.")],
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for answers.", min=0.1, max=30)
    ] = 3.0,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Search for videos here and at all peers; results come as they arrive.

    With --json one line per result; a video comes again when more holders became known.
    """
    command = of(ctx, data_dir, as_json, join)
    query = " ".join(text).strip()
    if not query:
        raise typer.BadParameter("say what to search for", param_hint="TEXT")
    run(_search(command, query, timeout))


async def _search(command: Command, text: str, timeout: float) -> None:
    shown: set[str] = set()
    parameters = {"q": text, "timeout": str(timeout)}
    async with connect(command) as api, api.events("search", parameters) as events:
        async for kind, data in events:
            if kind == "problem":
                raise P2PTubeError(data["detail"])
            if kind == "result":
                command.output.document(data)
                if data["id"] not in shown:
                    shown.add(data["id"])
                    command.output.line("  ".join(video_row(data)))
    if not shown:
        command.output.note(f"nothing found for {text!r}")


def fetch(
    ctx: typer.Context,
    *,
    target: Target,
    directory: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also put it there.", metavar="DIR")
    ] = None,
    file: FileOption = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    join: Join = None,
) -> None:
    """Fetch a video and keep it."""
    command = of(ctx, data_dir, as_json, join)
    if directory is not None and not directory.is_dir():
        raise typer.BadParameter(f"{directory} is not a directory", param_hint="-o")
    run(_fetch(command, target, directory, named_file(file)))


async def _fetch(
    command: Command, target: str, directory: Path | None, file: int | str | None
) -> None:
    async with connect(command) as api:
        video = await resolve(api, target)
        if video["state"] != "complete" or file is not None:
            video = await _fetched(command, api, video, file)
        if directory is not None:
            if not video["path"]:
                raise NotFound("the node does not tell where the file is")
            copy = await asyncio.to_thread(
                place, Path(video["path"]), directory, video["file_name"]
            )
            command.output.line(f"{copy}")
            video = {**video, "copy": str(copy)}
        command.output.document(video)
        command.output.line(f"complete {video['id']} {video['title']}")


async def resolve(api: Api, target: str) -> Any:
    """Ask the node which video `target` (see the verbs) is."""
    if not target.lower().startswith(URL_SCHEMES) and target.endswith(".torrent"):
        target = _absolute(target)
    return await api.post("videos/resolve", {"target": target})


async def _fetched(command: Command, api: Api, video: Any, file: int | str | None) -> Any:
    """Fetch it to the end; gives the complete video. Ctrl-C stops what this command started."""
    path = f"videos/{video['id']}"
    # What was here before is not this command's to delete: another file of the torrent.
    started = video["state"] in {"remote", "error"}
    try:
        async with api.events() as events:
            await anext(events)
            video = await api.post(f"{path}/fetch", {"keep": True, "file": file})
            with Advance(command.output) as advance:
                while video["state"] == "fetching":
                    await _show(api, advance, video)
                    video = await next_video(api, events, video)
    except asyncio.CancelledError:
        if started:
            await api.delete(f"{path}/fetch")
            command.output.note(f"stopped fetching {video['title']}")
        raise
    if video["state"] != "complete":
        raise NoHolder(video["detail"] or f"{video['title']} is {video['state']}")
    return video


async def _show(api: Api, advance: Advance, video: Any) -> None:
    rate = (await api.get(f"videos/{video['id']}/swarm"))["download_rate"]
    missing = (1 - video["progress"]) * video["size"]
    advance.show(
        video["title"],
        video["detail"] or f"of {size(video['size'])}",
        video["progress"],
        rate=rate,
        remaining=missing / rate if rate else None,
    )


async def next_video(api: Api, events: Any, video: Any) -> Any:
    """Wait for a change of `video`, and give it as it is then; on a sign of life, ask."""
    async for kind, data in events:
        if kind == "video" and data["id"] == video["id"]:
            return data
        if kind == "removed" and data == video["id"]:
            raise Cancelled(f"{safe(video['title'])} was deleted")
        if not kind:
            return await api.get(f"videos/{video['id']}")
    raise P2PTubeError("the node has stopped")
