"""Outside the public pages: streams, posters, torrents, and the files of the viewer."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from ..node import Node
from ..playback.stream import content_disposition
from . import STATIC
from .public_site import ASK_AGAIN, PublicSite, unless_known
from .public_streams import PublicStreams
from .public_video import all_trackers

VIEWER = STATIC / "viewer"
SMALLEST_ZIPPED = 1024
# Pages of other origins may read it: the viewer on another host, programs that unfold links.
ANYBODY = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
POSTER_CACHE = "public, max-age=300"


class ViewerFiles(StaticFiles):
    """The viewer script and what belongs to it. Names stay the same, so browsers ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or that it is unchanged."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = ASK_AGAIN
        if path == "sw.js":
            answer.headers["service-worker-allowed"] = "/"
        return answer


class PublicMedia:
    """Translates between HTTP and the node."""

    def __init__(self, node: Node, site: PublicSite, streams: PublicStreams) -> None:
        self._node = node
        self._site = site
        self._streams = streams

    def routes(self) -> list[BaseRoute]:
        """The routes, relative to `/`."""
        viewer = ViewerFiles(directory=VIEWER, check_dir=False)
        return [
            Route("/stream/{id}", self.stream, methods=["GET"]),
            Route("/poster/{id}", self.poster, methods=["GET"]),
            Route("/torrent/{id}", self.torrent, methods=["GET"]),
            Mount("/viewer", GZipMiddleware(viewer, SMALLEST_ZIPPED)),
        ]

    async def stream(self, request: Request) -> ASGIApp:
        """`/stream/ID`: the video's bytes, by Range."""
        answer = await self._streams.answer(
            request.path_params["id"],
            request.headers,
            request.method,
            self._site.client_address(request),
        )
        exposed = {"access-control-expose-headers": "content-range, accept-ranges, etag"}
        answer.headers.update(ANYBODY | exposed)
        return answer

    async def poster(self, request: Request) -> Response:
        """`/poster/ID`: a JPEG."""
        jpeg = await self._node.public.poster(request.path_params["id"])
        headers = {"cache-control": POSTER_CACHE, **ANYBODY}
        return unless_known(request, Response(jpeg, media_type="image/jpeg", headers=headers))

    async def torrent(self, request: Request) -> Response:
        """`/torrent/ID`: a .torrent file, with this node as tracker and web seed (BEP 19)."""
        video = self._node.public.video(request.path_params["id"])
        origin = self._site.origin(request)
        data = await self._node.public.torrent(
            video.id, all_trackers(video, origin), [f"{origin}/stream/{video.id}"]
        )
        name = content_disposition(f"{video.file_name}.torrent").replace("inline", "attachment", 1)
        headers = {"content-disposition": name, **ANYBODY}
        answer = Response(data, media_type="application/x-bittorrent", headers=headers)
        return unless_known(request, answer)
