"""`/api/v1`: videos, their swarms, jobs, search."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import msgspec
from sse_starlette import ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Conflict, InvalidInput, P2PTubeError
from ..models import Visibility
from ..node import Node
from ..node.views import JobView
from ..playback.launching import open_player
from ..playback.subtitles import Subtitles
from .exchange import (
    as_json,
    boolean,
    closing,
    event_stream,
    media_type,
    read_json,
    server_sent_event,
    until,
)
from .guards import capability
from .uploads import receive_file

SEARCH_SECONDS = 3.0
MIN_SEARCH_SECONDS, MAX_SEARCH_SECONDS = 0.1, 30.0
MAX_QUERY = 500


class NewVideo(msgspec.Struct, forbid_unknown_fields=True):
    """JSON body of `POST videos`: `path` on this machine, or `url` (http, https, magnet)."""

    path: str | None = None
    url: str | None = None
    title: str | None = None
    visibility: Visibility = Visibility.PUBLIC


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH videos/ID`; what is None stays."""

    title: str | None = None
    description: str | None = None
    language: str | None = None
    visibility: Visibility | None = None


class Target(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST videos/resolve`: an id, a magnet link, a .torrent's path or URL."""

    target: str


class Fetch(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST videos/ID/fetch`. `file` of its torrent, by its index or its name."""

    keep: bool | None = None
    file: int | str | None = None


class Open(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST videos/ID/open`."""

    player: Literal["vlc", "mpv"]


class VideoRoutes:
    """Translates between HTTP and the node. `stopping` ends the open searches."""

    def __init__(self, node: Node, stopping: asyncio.Event) -> None:
        self._node = node
        self._stopping = stopping

    def routes(self) -> list[Route]:
        """The routes, relative to `/api/v1`."""
        return [
            Route("/videos", self.videos, methods=["GET"]),
            Route("/videos", self.add_video, methods=["POST"]),
            Route("/videos/resolve", self.resolve, methods=["POST"]),
            Route("/videos/{id}", self.video, methods=["GET"]),
            Route("/videos/{id}", self.update_video, methods=["PATCH"]),
            Route("/videos/{id}", self.delete_video, methods=["DELETE"]),
            Route("/videos/{id}/files", self.files, methods=["GET"]),
            Route("/videos/{id}/fetch", self.fetch, methods=["POST"]),
            Route("/videos/{id}/fetch", self.stop_fetch, methods=["DELETE"]),
            Route("/videos/{id}/prefetch", self.prefetch, methods=["POST"]),
            Route("/videos/{id}/prefetch", self.cancel_prefetch, methods=["DELETE"]),
            Route("/videos/{id}/swarm", self.swarm, methods=["GET"]),
            Route("/videos/{id}/open", self.open, methods=["POST"]),
            Route("/jobs", self.jobs, methods=["GET"]),
            Route("/jobs/{id}", self.job, methods=["GET"]),
            Route("/jobs/{id}", self.cancel_job, methods=["DELETE"]),
            Route("/search", self.search, methods=["GET"]),
        ]

    async def videos(self, _: Request) -> Response:
        """`GET videos`: the local ones."""
        return as_json(self._node.videos())

    async def video(self, request: Request) -> Response:
        """`GET videos/ID`."""
        return as_json(await self._node.video(request.path_params["id"]))

    async def add_video(self, request: Request) -> Response:
        """`POST videos`: 202 with the job."""
        job = await self._add(request)
        return as_json(job, 202, {"location": f"/api/v1/jobs/{job.id}"})

    async def _add(self, request: Request) -> JobView:
        if media_type(request) == "multipart/form-data":
            return await self._node.add_upload(*await receive_file(request))
        body = await read_json(request, NewVideo)
        if body.path and body.url is None:
            return await self._node.add_path(Path(body.path), body.title, body.visibility)
        if body.url and body.path is None:
            return await self._node.add_url(body.url, body.visibility)
        raise InvalidInput("give either a path or a url")

    async def update_video(self, request: Request) -> Response:
        """`PATCH videos/ID`: the changed video."""
        changes = await read_json(request, Changes)
        return as_json(
            await self._node.update_video(
                request.path_params["id"],
                title=changes.title,
                description=changes.description,
                language=changes.language,
                visibility=changes.visibility,
            )
        )

    async def delete_video(self, request: Request) -> Response:
        """`DELETE videos/ID?delete_file=`: 204."""
        delete_file = boolean(request, "delete_file", default=False)
        await self._node.delete_video(request.path_params["id"], delete_file=delete_file)
        return Response(status_code=204)

    async def resolve(self, request: Request) -> Response:
        """`POST videos/resolve`: the video behind an id, magnet link or torrent."""
        body = await read_json(request, Target)
        return as_json(await self._node.resolve(body.target))

    async def fetch(self, request: Request) -> Response:
        """`POST videos/ID/fetch`: start, or change whether it is kept, or which file it is."""
        body = await read_json(request, Fetch)
        video_id = request.path_params["id"]
        return as_json(await self._node.fetch(video_id, keep=body.keep, file=body.file))

    async def files(self, request: Request) -> Response:
        """`GET videos/ID/files`: of its torrent, whose metadata is fetched if need be."""
        return as_json(await self._node.files(request.path_params["id"]))

    async def stop_fetch(self, request: Request) -> Response:
        """`DELETE videos/ID/fetch`."""
        return as_json(await self._node.stop_fetch(request.path_params["id"]))

    async def prefetch(self, request: Request) -> Response:
        """`POST videos/ID/prefetch`: 202 where it is done, 204 where there is nothing to do."""
        begun = await self._node.prefetch(request.path_params["id"])
        return Response(status_code=202 if begun else 204)

    async def cancel_prefetch(self, request: Request) -> Response:
        """`DELETE videos/ID/prefetch`: 204."""
        await self._node.cancel_prefetch(request.path_params["id"])
        return Response(status_code=204)

    async def swarm(self, request: Request) -> Response:
        """`GET videos/ID/swarm`."""
        return as_json(self._node.swarm(request.path_params["id"]))

    async def open(self, request: Request) -> Response:
        """`POST videos/ID/open`: 204 once a player on this machine is about to show it."""
        body = await read_json(request, Open)
        video = await self._node.video(request.path_params["id"])
        if video.classic:
            raise Conflict("a file of a classic peer plays once it is fetched: fetch it first")
        port = request.scope["server"][1]
        key = capability(self._node.token, video.id)
        origin = f"http://127.0.0.1:{port}"
        captions = (f"{origin}/captions/{video.id}/{tag}?token={key}" for tag in video.captions)
        url = f"{origin}/stream/{video.id}?token={key}"
        await open_player(body.player, url, video.title, Subtitles(tuple(captions)))
        return Response(status_code=204)

    async def jobs(self, _: Request) -> Response:
        """`GET jobs`."""
        return as_json(self._node.jobs())

    async def job(self, request: Request) -> Response:
        """`GET jobs/ID`."""
        return as_json(self._node.job(request.path_params["id"]))

    async def cancel_job(self, request: Request) -> Response:
        """`DELETE jobs/ID`: the job as it is now."""
        return as_json(await self._node.cancel_job(request.path_params["id"]))

    async def search(self, request: Request) -> Response:
        """`GET search?q=&timeout=`: a list, or an event per result as it arrives, then `done`.

        Without `q`, or with an empty one: everything here, newest first, and what peers have.
        A video comes again where more holders became known; in the list it is there once.
        """
        text = request.query_params.get("q", "").strip()
        if len(text) > MAX_QUERY:
            raise InvalidInput(f"q may have {MAX_QUERY} characters")
        seconds = search_seconds(request.query_params.get("timeout"))
        if "text/event-stream" in request.headers.get("accept", ""):
            return event_stream(self._results(text, seconds))
        found = {}
        async with closing(self._node.search(text, seconds)) as results:
            async for video in results:
                found[video.id] = video
        return as_json(list(found.values()))

    async def _results(self, text: str, seconds: float) -> AsyncIterator[ServerSentEvent]:
        ids = set()
        async with closing(until(self._node.search(text, seconds), self._stopping)) as results:
            try:
                async for video in results:
                    ids.add(video.id)
                    yield server_sent_event("result", video)
            except P2PTubeError as error:
                yield server_sent_event("problem", {"title": error.title, "detail": str(error)})
        yield server_sent_event("done", {"count": len(ids)})


def search_seconds(text: str | None) -> float:
    """How long to search, clamped. Raises InvalidInput where `text` is not a number."""
    try:
        seconds = SEARCH_SECONDS if text is None else float(text)
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds):
        raise InvalidInput("timeout must be a number of seconds")
    return min(max(seconds, MIN_SEARCH_SECONDS), MAX_SEARCH_SECONDS)
