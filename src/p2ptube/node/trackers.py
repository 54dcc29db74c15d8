"""The trackers of this node: where it announces, publishes and searches; changed while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from ..config import TRACKER
from ..descriptor import open_envelope
from ..errors import PeerFault
from ..identity import Identity
from ..library import VideoRecord
from ..models import Found, Holder
from ..swarm import Session
from ..tasks import cancel_all
from .catalog import Catalog
from .merging import merged
from .trackers_index import HttpIndex, IndexAccess, http_client, index_base
from .trackers_registration import Registration
from .trackers_shelf import Shelf
from .views import TrackerView

log = logging.getLogger(__name__)

MOST_IN_DESCRIPTOR = 16  # as in models.Descriptor
MOST_ANNOUNCED = 32  # of one torrent, strangers' included
RESULTS_EACH = 100
TELL_SECONDS = 0.3  # changes of trackers within this are told together
ASK_AGAIN_SECONDS = 60.0  # until an index is asked anew for more holders of the same video
MOST_ASKED = 10_000
# Announces go out by IPv4 and IPv6, and one of the two often fails where the other one works.
GRACE_SECONDS = 60.0


@dataclass
class _Announces:
    """What the announces to one tracker came to."""

    answered_at: float | None = None
    failed_at: float | None = None
    error: str = ""
    peers: dict[str, int] = field(default_factory=dict)  # info-hash -> peers told of


class Trackers:
    """Every tracker that the user set, and this node's own."""

    def __init__(
        self,
        catalog: Catalog,
        session: Session,
        identity: Identity,
        *,
        configured: Iterable[str],
        origin: str,
        ourselves: Callable[[], Holder],
        proxy: str = "",
        anonymous: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`origin` is where strangers find this node's own tracker and pages; empty: nowhere.

        With a `proxy` (a URL), or `anonymous`, no index is told where we are, but only searched.
        """
        self._catalog = catalog
        self._session = session
        self._identity = identity
        self._configured = tuple(configured)
        self._ourselves = ourselves
        self._proxy = proxy
        self._publishes = not (proxy or anonymous)
        self._clock = clock
        self._origin = origin
        self._own = _announce_urls(origin) if origin else ()
        self._announces: dict[str, _Announces] = {}
        self._announced: dict[str, tuple[str, ...]] = {}
        self._registrations: dict[str, tuple[Registration, asyncio.Task[None]]] = {}
        self._client: httpx.AsyncClient | None = None
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._leaving: set[asyncio.Task[None]] = set()
        self._shelf = Shelf()
        # Our descriptors name our trackers: they are signed anew when those change.
        self.on_change: Callable[[], None] = lambda: None
        self.on_state: Callable[[list[TrackerView]], None] = lambda views: None
        self._telling: asyncio.TimerHandle | None = None
        session.on_tracker = self._on_announce

    # --- life ----------------------------------------------------------------------------------

    def start(self, index: IndexAccess | None = None) -> None:
        """Begin to publish; `index` is that of this node's own tracker, if it has one."""
        for record in self._catalog.records():
            self._shelf.put(record.id, record)
        if index is not None:
            self._register("", index)
        self._register_configured()

    async def stop(self) -> None:
        """Withdraw from the indexes, for a moment as long as they answer, and end."""
        for base in list(self._registrations):
            self._unregister(base)
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._telling is not None:
            self._telling.cancel()
        if self._client is not None:
            await self._client.aclose()

    def set(self, configured: Iterable[str]) -> None:
        """Use these trackers from now on, and no others: torrents, indexes and descriptors."""
        self._configured = tuple(configured)
        for url in list(self._announces):
            if url not in self.ours():
                del self._announces[url]
        self._register_configured()
        for record in self._catalog.records():
            self._join(record)
        self.on_change()
        self._stands_anew()

    def place(self) -> dict[str, Any]:
        """The fields of a descriptor that tell where its video is announced and shown."""
        return {"trackers": self.ours()[:MOST_IN_DESCRIPTOR], "public_url": self._origin}

    # --- announces -----------------------------------------------------------------------------

    def ours(self) -> tuple[str, ...]:
        """This node's own tracker, and those that the user set."""
        return tuple(dict.fromkeys(self._own + self._configured))

    def of(self, record: VideoRecord) -> tuple[str, ...]:
        """Where a video is announced: at ours, and at those that its description names."""
        theirs = () if record.mine else filter(TRACKER.match, record.trackers)
        urls = tuple(dict.fromkeys((*self.ours(), *theirs)))[:MOST_ANNOUNCED]
        self._announced[record.id] = urls
        return urls

    def _join(self, record: VideoRecord) -> None:
        """Bring the session in step, if it has the video."""
        before = self._announced.get(record.id)
        if self._session.get(record.id) is not None and self.of(record) != before:
            self._session.set_trackers(record.id, self._announced[record.id])

    def _on_announce(self, info_hash: str, url: str, peers: int, error: str) -> None:
        if url not in self.ours():
            return  # of strangers: there may be any number
        known = self._announces.setdefault(url, _Announces())
        if error:
            known.failed_at, known.error = self._clock(), error
        else:
            known.answered_at = self._clock()
            known.peers[info_hash] = peers
        self._stands_anew()

    # --- index ---------------------------------------------------------------------------------

    def changed(self, video_id: str) -> None:
        """A video was added, edited, deleted, or shown to more or fewer people."""
        record = self._catalog.record(video_id)
        if record is not None:
            self._join(record)
        else:
            self._announced.pop(video_id, None)
            for known in self._announces.values():
                known.peers.pop(video_id, None)
        if self._shelf.put(video_id, record):
            for registration, _ in self._registrations.values():
                registration.changed()

    async def search(self, text: str, limit: int = RESULTS_EACH) -> AsyncGenerator[Found, None]:
        """What the indexes have, each as it answers; one that fails costs the others nothing.

        All signatures are verified.
        """

        async def one(registration: Registration) -> AsyncGenerator[Found, None]:
            for found in await registration.search(text, limit):
                if _is_genuine(found):
                    yield found

        asked = [one(registration) for registration, _ in self._registrations.values()]
        async with contextlib.aclosing(merged(*asked)) as answers:
            async for found in answers:
                yield found

    async def holders(self, video_id: str) -> AsyncGenerator[Found, None]:
        """Who holds a video, by the indexes; for the same video asked from time to time only."""
        now = time.monotonic()
        if self._asked.get(video_id, -ASK_AGAIN_SECONDS) > now - ASK_AGAIN_SECONDS:
            return
        self._asked[video_id] = now
        self._asked.move_to_end(video_id)
        while len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)
        async with contextlib.aclosing(self.search(video_id, 1)) as answers:
            async for found in answers:
                yield found

    def _register_configured(self) -> None:
        # Several URLs may be of one tracker, which has one index.
        bases = {index_base(url) for url in self._configured}
        for base in [base for base in self._registrations if base and base not in bases]:
            self._unregister(base)
        for base in bases - set(self._registrations):
            if self._client is None:
                self._client = http_client(self._proxy)
            self._register(base, HttpIndex(base, self._client))

    def _register(self, base: str, access: IndexAccess) -> None:
        registration = Registration(
            access,
            self._identity,
            shelf=self._shelf,
            ourselves=self._ourselves,
            publishes=self._publishes,
            clock=self._clock,
            on_change=self._stands_anew,
        )
        task = asyncio.create_task(registration.run(), name=f"index {base or 'of our own'}")
        self._registrations[base] = (registration, task)

    def _unregister(self, base: str) -> None:
        registration, task = self._registrations.pop(base)
        leaving = asyncio.create_task(_leave(registration, task))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    # --- what is shown -------------------------------------------------------------------------

    def _stands_anew(self) -> None:
        # A thousand videos are announced at once: one word for all of them.
        if self._telling is None or self._telling.cancelled():
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(TELL_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.on_state(self.views())

    def views(self) -> list[TrackerView]:
        """How each tracker stands."""
        return [self._view(url) for url in self.ours()]

    def _view(self, url: str) -> TrackerView:
        own = url in self._own
        announces = self._announces.get(url, _Announces())
        base = "" if own else index_base(url)
        known = self._registrations.get(base)
        index = known[0] if known else None
        answers = (announces.answered_at, index.answered_at if index else None)
        return TrackerView(
            url=url,
            own=own,
            state=_state(announces, index),
            error=announces.error if _is_failing(announces) else index.error if index else "",
            answered_at=max((at for at in answers if at is not None), default=None),
            peers=sum(announces.peers.values()),
            index=index.speaks if index else None,
            listed=index.listed if index else 0,
            refused=next(iter(index.refused.values()), "") if index else "",
        )


def _announce_urls(origin: str) -> tuple[str, str]:
    """Where a tracker at this origin takes announces: over HTTP, and over WebSockets."""
    return f"{origin}/announce", f"ws{origin.removeprefix('http')}/announce"


def _is_genuine(found: Found) -> bool:
    try:
        open_envelope(found.descriptor)
    except PeerFault as error:
        log.info("an index answers with a forged descriptor: %s", error)
        return False
    return True


async def _leave(registration: Registration, task: asyncio.Task[None]) -> None:
    await cancel_all(task)
    await registration.leave()


def _is_failing(announces: _Announces) -> bool:
    if announces.failed_at is None:
        return False
    return (
        announces.answered_at is None or announces.failed_at > announces.answered_at + GRACE_SECONDS
    )


def _state(announces: _Announces, index: Registration | None) -> str:
    """`working`, `failing`, or `waiting` where nothing was asked of it yet."""
    if _is_failing(announces):
        return "failing"
    if announces.answered_at is not None:
        return "working"
    if index is None or index.speaks is None:
        return "failing" if index is not None and index.error else "waiting"
    if index.error:
        return "failing"
    return "working" if index.speaks else "waiting"
