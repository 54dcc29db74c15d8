"""Watching a video: it is found, its file chosen, its fetch begun, and a player opened."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import Conflict, NoHolder
from ..playback.launching import run_player
from ..playback.players import play
from ..playback.subtitles import NO_SUBTITLES, Subtitles
from ..tasks import cancel_all
from .browser import can_open
from .choosing import (
    FILE_HEADS,
    asked_file,
    file_rows,
    files_of,
    local_subtitles,
    matching,
    no_such_language,
)
from .client import Api, connect
from .command import Command, until_interrupted
from .keyboard import quitting
from .videos import resolve
from .watch_live import Viewer, first_of

SUBTITLES_SECONDS = 5.0  # they are fetched first; nobody waits longer for them
ASKED_SUBTITLES_SECONDS = 30.0
NONE = "none"
WITH_SUBTITLES = frozenset({"vlc", "mpv"})


@dataclass(frozen=True)
class Wish:
    """What the user said, besides which video."""

    player: str
    keep: bool | None = None
    file: int | str | None = None
    subtitles: str | None = None

    @property
    def plays_here(self) -> bool:
        """Whether a player runs as long as the command does."""
        return self.player not in {"browser", NONE}


async def list_files(command: Command, target: str) -> None:
    """Print the files of a torrent."""
    async with connect(command) as api:
        video = await resolve(api, target)
        files = await files_of(api, command.output, video)
    command.output.document(files)
    command.output.rows(FILE_HEADS, file_rows(files))


async def watch_video(command: Command, target: str, wish: Wish) -> None:
    """Play what `target` names, until its player is closed. Raises P2PTubeError."""
    local = local_subtitles(wish.subtitles)
    async with connect(command) as api:
        _check_port(command, api)
        video = await resolve(api, target)
        chosen = await _choose(command, api, video, wish)
        async with api.events() as events:
            await anext(events)  # subscribed: no change is missed from here on
            if video["state"] != "complete" or chosen is not None:
                body = {"keep": wish.keep, "file": chosen}
                video = await api.post(f"videos/{video['id']}/fetch", body)
            head = _tell_where(command, api, video["id"], wish)
            shown = api.owned or wish.plays_here
            viewer = Viewer(api, command.output, video, head=head, shown=shown)
            with quitting(shown and command.output.for_people) as quit_pressed:
                following = asyncio.ensure_future(viewer.follow(events))
                playing = _play(command, api, viewer, wish=wish, local=local, following=following)
                await _until_over(first_of(playing, following, quit_pressed), wish)


def _tell_where(command: Command, api: Api, video_id: str, wish: Wish) -> list[str]:
    """Say where it plays, and until when; returns the lines."""
    url = api.page_url(video_id) if wish.player == "browser" else api.stream_url(video_id)
    command.output.line(url)
    if wish.plays_here or not api.owned:
        return [url]
    until = f"a node is running at {api.origin}/ until Ctrl-C"
    command.output.note(until)
    return [url, until]


async def _until_over(playing: Coroutine[Any, Any, None], wish: Wish) -> None:
    """Ctrl-C is how it is meant to end where no player runs here, and a failure where one does."""
    await (playing if wish.plays_here else until_interrupted(playing))


def _check_port(command: Command, api: Api) -> None:
    """Raise Conflict where a node is running already, at another port than is asked for."""
    port, wanted = urlsplit(api.origin).port, command.flags.get("web_port")
    if not api.owned and wanted and wanted != port:
        raise Conflict(f"a node is running at {api.origin} already: it keeps the port {port}")


async def _choose(command: Command, api: Api, video: Any, wish: Wish) -> int | str | None:
    """The file to play, where it was chosen: by the option, or by the person at the terminal."""
    of_one_file = video["publisher"]["key"] or video["classic"]
    if wish.file is not None or of_one_file:
        return wish.file
    asking = command.output.for_people and sys.stdin.isatty()
    if not (asking or (wish.plays_here and video["state"] == "remote")):
        return None
    return await asked_file(command.output, await files_of(api, command.output, video))


async def _subtitles(
    api: Api, viewer: Viewer, wish: Wish, local: Path | None, following: asyncio.Future[None]
) -> Subtitles:
    """The subtitles that the player is to offer, once they are here."""
    if local is not None:
        return Subtitles((str(local),), shown=True)
    if wish.player not in WITH_SUBTITLES or wish.subtitles == NONE:
        return NO_SUBTITLES
    video = viewer.video
    files = (await api.get(f"videos/{video['id']}"))["files"]
    coming = {f["language"] for f in files if f["kind"] == "subtitles" and f["chosen"]}
    languages = sorted(coming | set(video["captions"]))
    if wish.subtitles is not None:
        tag = matching(languages, wish.subtitles)
        if tag is None:
            raise no_such_language(wish.subtitles, languages)
        if not await _in_time(viewer.until(tag), following, ASKED_SUBTITLES_SECONDS):
            raise NoHolder(f"the subtitles in {tag!r} do not come")
        return Subtitles((api.captions_url(video["id"], tag),), shown=True)
    await _in_time(viewer.until(*languages), following, SUBTITLES_SECONDS)
    here = viewer.video["captions"]
    return Subtitles(tuple(api.captions_url(video["id"], tag) for tag in here))


async def _in_time(
    work: Coroutine[Any, Any, None], following: asyncio.Future[None], seconds: float
) -> bool:
    """Whether `work` ended in so many seconds. Raises what ends `following` meanwhile."""
    task = asyncio.ensure_future(work)
    both: set[asyncio.Future[None]] = {task, following}
    try:
        done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if following in done:
            following.result()
        return task in done
    finally:
        await cancel_all(task)


async def _play(
    command: Command,
    api: Api,
    viewer: Viewer,
    *,
    wish: Wish,
    local: Path | None,
    following: asyncio.Future[None],
) -> None:
    """Play it until its player is closed; where none runs here, until the user ends it."""
    subtitles = await _subtitles(api, viewer, wish, local, following)
    video = viewer.video
    stream, page = api.stream_url(video["id"]), api.page_url(video["id"])
    in_page = wish.player == "browser"
    document = {"url": page if in_page else stream, "video": video}
    command.output.document({**document, "subtitles": subtitles.sources})
    if wish.plays_here:
        await run_player(wish.player, stream, video["title"], subtitles)
        return
    if in_page and not can_open():
        command.output.note("no web browser was found here: open the address yourself")
    elif in_page:
        await in_thread(lambda: play(wish.player, page, video["title"]))
    if api.owned:
        await asyncio.Event().wait()


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
