"""What the public web says of a video: to the viewer script, and to who unfolds a link."""

from __future__ import annotations

import html
from typing import Any

from ..node.views import PublicVideo
from ..swarm import magnet_link
from .public_origin import socket_origin, tracker_origin

PLAIN_SIZE = (640, 360)  # of a player whose video has no known size
LARGEST_EMBED = 1280  # pixels wide, unless more is asked for
SUMMARY = 300  # characters of a description in an unfolded link
MOST_TRACKERS = 16


def socket_trackers(video: PublicVideo, origin: str, advertised: str = "") -> list[str]:
    """The trackers that a page of `origin` can reach: this node, then the video's own.

    `advertised` is the origin by which this node is known: it is the same tracker once more.
    """
    own = f"{socket_origin(origin)}/announce"
    usable = "wss://" if origin.startswith("https:") else "ws"
    others = (
        url
        for url in video.trackers
        if url.startswith(usable) and tracker_origin(url) not in {None, socket_origin(advertised)}
    )
    return list(dict.fromkeys([own, *others]))[:MOST_TRACKERS]


def all_trackers(video: PublicVideo, origin: str) -> list[str]:
    """Every tracker of a video for programs that know all kinds of them: this node, then others."""
    own = [f"{origin}/announce", f"{socket_origin(origin)}/announce"]
    return list(dict.fromkeys([*own, *video.trackers]))[:MOST_TRACKERS]


def viewer_facts(
    video: PublicVideo, origin: str, *, ice: list[str], embed: bool, advertised: str = ""
) -> dict[str, Any]:
    """What the viewer script reads from the page's JSON block."""
    trackers = socket_trackers(video, origin, advertised)
    return {
        "id": video.id,
        "title": video.title,
        "description": video.description,
        "duration": video.duration,
        "width": video.width,
        "height": video.height,
        "size": video.size,
        "file_name": video.file_name,
        "mime": video.media_type,
        "publisher": video.publisher,
        "published_at": video.published_at,
        "magnet": magnet_link(
            video.id,
            video.file_name,
            tuple(all_trackers(video, origin)),
            unlisted=video.unlisted,
        ),
        "trackers": trackers,
        "torrent": f"/torrent/{video.id}",
        "stream": f"/stream/{video.id}",
        "poster": f"/poster/{video.id}" if video.poster else "",
        "ice": ice,
        "embed": embed,
        "page": f"{origin}/watch/{video.id}",
    }


def summary(text: str) -> str:
    """The beginning of a description, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= SUMMARY else line[: SUMMARY - 1].rstrip() + "…"


def embed_size(
    video: PublicVideo, largest_width: int | None = None, largest_height: int | None = None
) -> tuple[int, int]:
    """The width and height of an embedded player in pixels, in the shape of the video."""
    width, height = (video.width, video.height) if video.width and video.height else PLAIN_SIZE
    scale = min(
        1.0,
        (largest_width or LARGEST_EMBED) / width,
        (largest_height or height) / height,
    )
    return max(1, int(width * scale)), max(1, int(height * scale))


def embed_code(video: PublicVideo, origin: str, size: tuple[int, int] | None = None) -> str:
    """The HTML with which another page shows this video."""
    width, height = size or embed_size(video)
    return (
        f'<iframe src="{html.escape(origin)}/embed/{video.id}" width="{width}" height="{height}" '
        f'title="{html.escape(video.title)}" allow="autoplay; picture-in-picture" '
        'allowfullscreen frameborder="0" loading="lazy"></iframe>'
    )


def oembed(
    video: PublicVideo,
    origin: str,
    provider: str,
    size: tuple[int, int],
    poster_size: tuple[int, int] | None,
) -> dict[str, Any]:
    """The answer to an oEmbed request for a video (oEmbed 1.0, section 2.3.4)."""
    width, height = size
    answer = {
        "version": "1.0",
        "type": "video",
        "title": video.title,
        "author_name": video.publisher,
        "provider_name": provider,
        "provider_url": f"{origin}/",
        "cache_age": 300,
        "html": embed_code(video, origin, size),
        "width": width,
        "height": height,
    }
    if poster_size is not None:
        answer["thumbnail_url"] = f"{origin}/poster/{video.id}"
        answer["thumbnail_width"], answer["thumbnail_height"] = poster_size
    return answer


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The width and height that the frame header of a JPEG tells (ITU-T T.81, B.2.2)."""
    position = 2
    while data[position : position + 1] == b"\xff" and position + 9 <= len(data):
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height = int.from_bytes(data[position + 5 : position + 7])
            width = int.from_bytes(data[position + 7 : position + 9])
            return (width, height) if width and height else None
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return None
