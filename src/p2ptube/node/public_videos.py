"""What strangers may see and have of this node's videos, by its public web."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..descriptor import parse_payload
from ..errors import NotFound
from ..library import VideoRecord
from ..models import VideoState, Visibility
from ..playback.content import Content, media_type_of
from ..swarm import torrent_file
from .catalog import Catalog
from .streams import Revocable
from .views import PublicListing, PublicVideo

# A search looks at so many of the best matches; what is not public among them is left out.
MOST_MATCHES = 500
# For an unknown and for a private video the same, so that nobody can tell them apart.
UNKNOWN = "there is no such video here"

_SERVED = frozenset({VideoState.COMPLETE, VideoState.FETCHING})


class PublicVideos:
    """The node's videos that are not private: listed where they are public, else by link only."""

    def __init__(self, catalog: Catalog, content: Callable[[str], Awaitable[Content]]) -> None:
        self._catalog = catalog
        self._content = content

    async def listing(self, text: str, start: int, count: int) -> PublicListing:
        """The public videos from the `start`-th on, at most `count`.

        Newest first; with a `text` those in which all its words occur, best first.
        """
        if text.strip():
            records: Sequence[VideoRecord] = await self._catalog.library.search(
                text, MOST_MATCHES, for_others=True
            )
        else:
            records = self._catalog.records()
        listed = [record for record in records if _is_listed(record)]
        return PublicListing(
            videos=tuple(_shown(record) for record in listed[start : start + count]),
            total=len(listed),
        )

    def video(self, video_id: str) -> PublicVideo:
        """A video for who has its link. Raises NotFound."""
        return _shown(self._record(video_id))

    async def open(self, video_id: str) -> Content:
        """The bytes of a video. Raises NotFound, FileChanged, NoHolder."""
        record = self._record(video_id)
        content = await self._content(record.id)
        return Revocable(content, lambda: self._catalog.is_served(record.id))

    async def poster(self, video_id: str) -> bytes:
        """The poster, a JPEG; nobody else is asked for it. Raises NotFound."""
        record = self._record(video_id)
        jpeg = await self._catalog.library.get_blob(record.poster) if record.poster else None
        if jpeg is None:
            raise NotFound("this video has no poster")
        return jpeg

    async def torrent(
        self, video_id: str, trackers: Sequence[str], web_seeds: Sequence[str]
    ) -> bytes:
        """A .torrent file with these trackers and web seeds (BEP 19). Raises NotFound."""
        record = self._record(video_id)
        info = await self._catalog.info(record.id)
        if info is None:
            raise NotFound("the metadata of this video is not here yet")
        unlisted = record.visibility is Visibility.UNLISTED
        return torrent_file(info, trackers, web_seeds, unlisted=unlisted)

    def _record(self, video_id: str) -> VideoRecord:
        record = self._catalog.record(video_id)
        served = self._catalog.is_served(video_id)
        if record is None or not served or record.state not in _SERVED:
            raise NotFound(UNKNOWN)
        return record


def _is_listed(record: VideoRecord) -> bool:
    # What is fetched to be watched only is gone soon.
    return (
        record.visibility is Visibility.PUBLIC
        and record.state is VideoState.COMPLETE
        and record.keep
    )


def _shown(record: VideoRecord) -> PublicVideo:
    publisher = parse_payload(record.envelope.payload).publisher if record.envelope else ""
    return PublicVideo(
        id=record.id,
        title=record.title,
        description=record.description,
        language=record.language,
        file_name=record.file_name,
        media_type=media_type_of(record.file_name),
        duration=record.duration,
        size=record.size,
        width=record.width,
        height=record.height,
        publisher=publisher,
        published_at=record.published_at or record.added_at,
        trackers=record.trackers,
        poster=record.poster,
        listed=_is_listed(record),
        complete=record.state is VideoState.COMPLETE,
        unlisted=record.visibility is Visibility.UNLISTED,
    )
