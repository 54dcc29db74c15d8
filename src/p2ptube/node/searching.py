"""Search: the library, the overlay, classic peers and trackers at once, merged by video."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable

from ..errors import P2PTubeError
from ..models import INFO_HASH, ClassicFile, Found, Holder
from ..overlay.membership import Kind
from ..overlay.peer import Peer
from ..tasks import cancel_all
from .catalog import Catalog, Remote

log = logging.getLogger(__name__)

MOST_RESULTS = 200
BROWSED_EACH = 100
MOST_BROWSED = 1_000
# Classic peers answer on connections of their own, and never say that they are done.
CLASSIC_SECONDS = 1.0
CLASSIC_RELAYED_SECONDS = 0.3


class Search:
    """Runs searches; yields the ids of videos, again when more of their holders turned up."""

    def __init__(
        self,
        catalog: Catalog,
        peer: Peer,
        settle: Callable[[], Awaitable[None]],
        ask_indexes: Callable[[str], AsyncGenerator[Found, None]],
    ) -> None:
        """`settle` waits until there are peers to ask, as far as they can be expected.

        `ask_indexes` searches the indexes of trackers.
        """
        self._catalog = catalog
        self._peer = peer
        self._settle = settle
        self._ask_indexes = ask_indexes
        self._listeners: dict[asyncio.Queue[str | None], str] = {}
        self._identifying: set[asyncio.Task[None]] = set()

    async def run(self, text: str, timeout: float) -> AsyncGenerator[str, None]:
        """Search for `text`, and in the network for at most `timeout` seconds.

        Without a text, everything of ours comes, newest first, then what the network has.
        """
        text = text.strip()
        ours = await self._catalog.library.search(text, MOST_RESULTS) if text else None
        for record in self._catalog.records() if ours is None else ours:
            yield record.id
        await self._settle()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners[queue] = text
        asking = asyncio.create_task(self._ask(text, timeout, queue))
        try:
            while (video_id := await queue.get()) is not None:
                yield video_id
        finally:
            del self._listeners[queue]
            await cancel_all(asking)

    def on_response(self, file: ClassicFile) -> None:
        """A peer answered in the classic way; whoever asked for such a name gets it."""
        for queue, text in self._listeners.items():
            # Who browses asked nobody in the classic way.
            matches = bool(text) and text.casefold() in file.file_name.casefold()
            if matches and len(self._identifying) < MOST_RESULTS:
                task = asyncio.create_task(self._identify(file, text, queue))
                self._identifying.add(task)
                task.add_done_callback(self._identifying.discard)

    async def _identify(
        self, file: ClassicFile, text: str, queue: asyncio.Queue[str | None]
    ) -> None:
        """Find out whether a file is a classic peer's, or a described video of one of ours.

        Peers of our kind answer QUER too, when it reaches them before we know what they are, or
        by way of a classic peer.
        """
        try:
            await self._peer.hello(file.holder)
        except P2PTubeError:
            remote = classic_remote(file)
            self._catalog.learn(remote)
            queue.put_nowait(remote.id)
            return
        with contextlib.suppress(P2PTubeError):
            async for found in self._peer.find(text, ttl=0, at=file.holder):
                self._take(found, text, queue)

    async def _ask(self, text: str, seconds: float, queue: asyncio.Queue[str | None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(
                    self._ask_overlay(text, queue),
                    self._ask_classic(text),
                    self._ask_trackers(text, queue),
                )
        queue.put_nowait(None)

    async def _ask_overlay(self, text: str, queue: asyncio.Queue[str | None]) -> None:
        try:
            # Who browses wants some of everybody, and not all of who answers first.
            limit, most = (MOST_RESULTS, MOST_RESULTS) if text else (BROWSED_EACH, MOST_BROWSED)
            async for found in self._peer.find(text, limit=limit, most=most):
                self._take(found, text, queue)
        except P2PTubeError as error:
            log.info("search in the overlay: %s", error)

    async def _ask_trackers(self, text: str, queue: asyncio.Queue[str | None]) -> None:
        async with contextlib.aclosing(self._ask_indexes(text)) as answers:
            async for found in answers:
                self._take(found, text, queue)

    def _take(self, found: Found, text: str, queue: asyncio.Queue[str | None]) -> None:
        """Note an answer. What is unlisted is a result only for who knows its id."""
        video_id = self._catalog.heard(found)
        ours = self._catalog.record(video_id) is not None
        if ours or self._catalog.is_listed(video_id) or text.lower() == video_id:
            queue.put_nowait(video_id)

    async def _ask_classic(self, text: str) -> None:
        kinds = {peer.kind for peer in self._peer.peers()}
        if not kinds or not text:
            return
        try:
            await self._peer.search_classic(text)
        except P2PTubeError as error:
            log.info("search of classic peers: %s", error)
            return
        only_ours = kinds == {Kind.P2PTUBE}
        await asyncio.sleep(CLASSIC_RELAYED_SECONDS if only_ours else CLASSIC_SECONDS)


def classic_remote(file: ClassicFile) -> Remote:
    """A file of a classic peer as a remote video; its id is a name of ours, no info-hash."""
    name = f"fget:{file.holder}/{file.file_name}"
    return Remote(
        id=hashlib.sha1(name.encode(errors="replace"), usedforsecurity=False).hexdigest(),
        holders={str(file.holder): Holder(peer=str(file.holder))},
        title=file.file_name,
        classic=file,
    )


def is_id(text: str) -> bool:
    """Whether `text` is a video's id."""
    return INFO_HASH.match(text) is not None


def kind_of_target(target: str) -> str:
    """What a user names a video by: `id`, `magnet`, `url` or `path`."""
    if is_id(target.lower()):
        return "id"
    if target[:8].lower() == "magnet:?":
        return "magnet"
    return "url" if re.match(r"https?://", target, re.IGNORECASE) else "path"
