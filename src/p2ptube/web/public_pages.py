"""The public pages: what this node shares, a video, the same for iframes, oEmbed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import NotFound
from ..node import Node
from ..node.views import PublicVideo
from .exchange import as_json, number
from .public_origin import tracker_origin
from .public_site import ASK_AGAIN, PublicSite, link, policy, unless_known
from .public_video import (
    embed_code,
    embed_size,
    jpeg_size,
    oembed,
    summary,
    viewer_facts,
)

PER_PAGE = 24
MOST_PAGES = 10**6
LONGEST_QUERY = 200  # characters
LARGEST_PIXELS = 10_000

ROBOTS = """User-agent: *
Disallow: /stream/
Disallow: /torrent/
Disallow: /announce
Disallow: /scrape
Disallow: /*?q=
"""

_PAGE_OF_VIDEO = re.compile(r"/(?:watch|embed)/([0-9a-fA-F]{40})/?")


class PublicPages:
    """Translates between HTTP and what the node shows to strangers."""

    def __init__(self, node: Node, site: PublicSite) -> None:
        self._node = node
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """The routes, relative to `/`."""
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/watch/{id}", self.watch, methods=["GET"]),
            Route("/embed/{id}", self.embed, methods=["GET"]),
            Route("/oembed", self.oembed, methods=["GET"]),
            Route("/robots.txt", self.robots, methods=["GET"]),
        ]

    async def home(self, request: Request) -> Response:
        """`/?q=&page=`: the public videos, newest first, or those that match, best first."""
        query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
        page = number(request, "page", 1, MOST_PAGES) or 1
        listing = await self._node.public.listing(query, (page - 1) * PER_PAGE, PER_PAGE)
        pages = max(1, -(-listing.total // PER_PAGE))
        if page > pages:
            raise NotFound("there are not so many pages")

        def page_link(other: int) -> str:
            return link("/", **({"q": query} if query else {}), page=other)

        return self._site.page(
            request,
            "home.html",
            origin=self._site.origin(request),
            query=query,
            videos=listing.videos,
            total=listing.total,
            page=page,
            pages=pages,
            page_link=page_link,
        )

    async def watch(self, request: Request) -> Response:
        """`/watch/ID`: the page of a video."""
        return self._player(request, "watch.html", embedded=False)

    async def embed(self, request: Request) -> Response:
        """`/embed/ID`: its player alone, for an iframe of another page."""
        return self._player(request, "embed.html", embedded=True)

    def _player(self, request: Request, template: str, *, embedded: bool) -> Response:
        video = self._node.public.video(request.path_params["id"])
        origin = self._site.origin(request)
        facts = viewer_facts(
            video,
            origin,
            ice=self._ice(),
            embed=embedded,
            advertised=self._node.public_origin(),
        )
        answer = self._site.page(
            request,
            template,
            origin=origin,
            video=video,
            facts=facts,
            summary=summary(video.description),
            size=embed_size(video),
            embed_code=embed_code(video, origin),
            oembed_link=origin + link("/oembed", url=facts["page"], format="json"),
        )
        trackers = filter(None, map(tracker_origin, facts["trackers"]))
        answer.headers["content-security-policy"] = policy(trackers, embedded=embedded)
        if not video.listed:
            answer.headers["x-robots-tag"] = "noindex"
        return answer

    def _ice(self) -> list[str]:
        """What a viewer's browser may ask for its own address from outside (RFC 7064)."""
        config = self._node.config
        return [f"stun:{config.stun_server}"] if config.stun_server else []

    async def oembed(self, request: Request) -> Response:
        """`/oembed?url=&format=json&maxwidth=&maxheight=`: how to embed a video (oEmbed 1.0)."""
        if request.query_params.get("format", "json") != "json":
            return PlainTextResponse("Only format=json is spoken here.\n", 501)
        video = self._video_at(request, request.query_params.get("url", ""))
        largest = (
            number(request, "maxwidth", 1, LARGEST_PIXELS),
            number(request, "maxheight", 1, LARGEST_PIXELS),
        )
        answer = as_json(
            oembed(
                video,
                self._site.origin(request),
                self._site.name,
                embed_size(video, *largest),
                await self._poster_size(video),
            ),
            headers={"access-control-allow-origin": "*", "cache-control": ASK_AGAIN},
        )
        return unless_known(request, answer)

    def _video_at(self, request: Request, url: str) -> PublicVideo:
        """The video whose page is `url`. Raises NotFound for one of another node."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise NotFound("this is no page of this node") from None
        found = _PAGE_OF_VIDEO.fullmatch(parts.path)
        named = f"{parts.scheme}://{parts.netloc}".lower()
        if found is None or named != self._site.origin(request):
            raise NotFound("this is no page of this node")
        return self._node.public.video(found[1].lower())

    async def _poster_size(self, video: PublicVideo) -> tuple[int, int] | None:
        return jpeg_size(await self._node.public.poster(video.id)) if video.poster else None

    async def robots(self, _: Request) -> Response:
        """`/robots.txt`: pages may be indexed, the bytes of videos need not be."""
        return PlainTextResponse(ROBOTS, headers={"cache-control": "public, max-age=86400"})
