"""Outside the prefix: the page, streams, posters, captions."""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from ..errors import NotFound
from ..node import Node
from ..playback.stream import StreamResponse
from . import STATIC
from .guards import cookie_name, is_own_navigation, same, session_value

ATTACHMENT_SECONDS = 300
FOR_EVER = "public, max-age=31536000, immutable"


class PageFiles(StaticFiles):
    """The page's files. In `assets`, a name changes with the content: no browser asks again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or that it is unchanged."""
        answer = await super().get_response(path, scope)
        if path.startswith(f"assets{os.sep}"):
            answer.headers["cache-control"] = FOR_EVER
        return answer


class PageRoutes:
    """Translates between HTTP and the node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def routes(self) -> list[BaseRoute]:
        """The routes, relative to `/`."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/favicon.ico", self.icon, methods=["GET"]),
            Mount("/static", PageFiles(directory=STATIC)),
            Route("/stream/{id}", self.stream, methods=["GET"]),
            Route("/poster/{id}", self.poster, methods=["GET"]),
            Route("/captions/{id}/{language}", self.captions, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page, with the session cookie where `guards` allows it."""
        given = request.query_params.get("token")
        if given is not None:
            answer: Response = RedirectResponse("/", 303)
            allowed = same(given, self._node.token)
        else:
            answer = FileResponse(STATIC / "index.html", headers={"cache-control": "no-store"})
            allowed = is_own_navigation(request.headers)
        if allowed:
            answer.set_cookie(
                cookie_name(request.scope["server"][1]),
                session_value(self._node.token),
                httponly=True,
                samesite="strict",
                path="/",
            )
        return answer

    async def icon(self, _: Request) -> Response:
        """Browsers ask for it unasked."""
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    async def stream(self, request: Request) -> ASGIApp:
        """`/stream/ID`: the video's bytes, by Range; a remote video starts being fetched."""
        content = await self._node.open_stream(request.path_params["id"])
        return StreamResponse(content, request.headers, request.method)

    async def poster(self, request: Request) -> Response:
        """`/poster/ID`: a JPEG."""
        jpeg = await self._node.poster(request.path_params["id"])
        if jpeg is None:
            raise NotFound("this video has no poster")
        headers = {"cache-control": f"private, max-age={ATTACHMENT_SECONDS}"}
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def captions(self, request: Request) -> Response:
        """`/captions/ID/LANGUAGE`: WebVTT."""
        language = request.path_params["language"]
        found = await self._node.captions(request.path_params["id"], language)
        if found is None:
            raise NotFound("this video has no captions in that language")
        headers = {"cache-control": f"private, max-age={ATTACHMENT_SECONDS}"}
        return Response(found, media_type="text/vtt", headers=headers)
