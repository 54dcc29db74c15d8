"""What one index is told of the videos held here: published, renewed, withdrawn.

The index is told which videos there are, and answers whose descriptors it lacks: so it is brought
in step whatever either side has forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import P2PTubeError, PeerRefused
from ..identity import Identity
from ..models import Found, Holder, SignedDescriptor
from ..tracker.index import Held, IndexInfo, Publication, Receipt, seal_publication
from .trackers_index import IndexAccess
from .trackers_shelf import Shelf

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.2  # changes that come together are told together
NO_INDEX_SECONDS = 3600.0  # until a tracker without an index is asked again
FIRST_PAUSE = 5.0  # after a failure; doubled with each further one
LONGEST_PAUSE = 900.0
# An index that wants to be told more often is not obeyed: all that we hold is named each time.
LEAST_RENEW_SECONDS = 60.0
LEAVE_SECONDS = 1.0
HELD_EACH = 500  # videos named in one publication
DESCRIBED_EACH = 100
DESCRIBED_BYTES = 256 * 1024
MOST_LOOKED_UP = 50
T = TypeVar("T")
STALE = "the index takes our publications for old ones"


class Registration:
    """Keeps one index in step with this node, for as long as `run` runs."""

    def __init__(
        self,
        access: IndexAccess,
        identity: Identity,
        *,
        shelf: Shelf,
        ourselves: Callable[[], Holder],
        publishes: bool = True,
        clock: Callable[[], float] = time.time,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Without `publishes` the index is only searched: it is not told who we are.

        `on_change` is called when it may stand otherwise than before.
        """
        self._on_change = on_change
        self._access = access
        self._identity = identity
        self._shelf = shelf
        self._ourselves = ourselves
        self._publishes = publishes
        self._clock = clock
        self._wake = asyncio.Event()
        self._probed = asyncio.Event()
        self._told: dict[str, Held] = {}
        self._offset = 0.0  # of the index's clock from ours, in seconds
        self._at = 0
        self._renewed_at: float | None = None
        self._failures = 0
        self.info: IndexInfo | None = None
        self.speaks: bool | None = None  # None: not known yet
        self.error = ""
        self.refused: dict[str, str] = {}
        self.answered_at: float | None = None  # Unix seconds

    @property
    def listed(self) -> int:
        """How many videos of ours the index has."""
        return sum(1 for video in self._told if video not in self.refused)

    def changed(self) -> None:
        """Something to tell may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Publish, renew and withdraw, for ever. A failure is tried again, ever more rarely."""
        while True:
            try:
                pause = await self._go_on()
                self._failures = 0
            except P2PTubeError as error:
                self._failed(error)
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
            except Exception:
                log.exception("keeping an index in step failed")
                pause = LONGEST_PAUSE
            self._probed.set()
            self._on_change()
            await self._rest(pause)

    async def search(self, text: str, limit: int) -> Sequence[Found]:
        """What the index has; nothing at once where it has failed, or there is none.

        Raises PeerFault where it fails now.
        """
        await self._probed.wait()
        if not self.speaks or self._failures:
            return ()
        try:
            found = await self._access.search(text, limit)
        except PeerRefused:  # too many searches, perhaps; it is there
            raise
        except P2PTubeError as error:
            self._failed(error)
            self._wake.set()
            raise
        self.answered_at = self._clock()
        return found

    async def leave(self) -> None:
        """Withdraw everything, as far as the index answers soon. Only once `run` has ended."""
        if self._told and not self._failures:
            with contextlib.suppress(TimeoutError, P2PTubeError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._send(leave=True)
        self._told.clear()

    # --- inside --------------------------------------------------------------------------------

    def _failed(self, error: P2PTubeError) -> None:
        self._failures += 1
        if self.error != str(error):
            log.info("index: %s", error)
        self.error = str(error)

    async def _rest(self, seconds: float) -> None:
        # A failing index is not asked earlier because a video changed.
        hushed = self._failures > 0 or not self.speaks
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if hushed:
                    await asyncio.Event().wait()
                await self._wake.wait()
                await asyncio.sleep(SETTLE_SECONDS)

    async def _go_on(self) -> float:
        """Do what is due; return the seconds until more is."""
        self._wake.clear()
        if self.info is None or self._failures or not self.speaks:
            await self._probe()
        if self.info is None:
            return NO_INDEX_SECONDS
        if self._publishes:
            await self._synchronise(self.info)
        self.error = ""
        if self._renewed_at is None:  # it became another index meanwhile: begin again
            return 0.0 if self._publishes else _renew_seconds(self.info)
        return max(1.0, self._renewed_at + _renew_seconds(self.info) - time.monotonic())

    async def _probe(self) -> None:
        before = self.info
        info = await self._access.info()
        self.speaks = info is not None
        self.info = info
        if info is None:
            return
        self._offset = info.now / 1000 - self._clock()
        self.answered_at = self._clock()
        if before is None or before.id != info.id:
            self._told.clear()
            self._renewed_at = None

    async def _synchronise(self, info: IndexInfo) -> None:
        shelf = self._shelf
        now, renewed_at = time.monotonic(), self._renewed_at
        due = renewed_at is None or now >= renewed_at + _renew_seconds(info)
        if self._renewed_at is None:
            await self._take_out(await self._lingering(shelf), shelf)
        gone = [video for video in self._told if video not in shelf.held]
        await self._take_out([video for video in gone if video in shelf.unlisted], shelf)
        for videos in _parts(gone, HELD_EACH):
            await self._send(withdraw=tuple(videos))
            self._forget(videos)
        news = [held for video, held in shelf.held.items() if due or self._told.get(video) != held]
        wanted: list[str] = []
        for part in _parts(news, HELD_EACH):
            receipt = await self._send(hold=tuple(part))
            self._note(part, receipt)
            wanted += receipt.wanted
        described = [shelf.envelopes[video] for video in wanted if video in shelf.envelopes]
        for envelopes in _by_size(described):
            self._note_refused(await self._send(describe=tuple(envelopes)))
        if due and self.info is not None and self.info.id == info.id:
            self._renewed_at = time.monotonic()

    async def _lingering(self, shelf: Shelf) -> list[str]:
        """Videos that are unlisted by now, of which the index has not heard that, perhaps.

        It is asked for them by their ids, which it sees announced anyway.
        """
        looked_up = list(shelf.unlisted)[:MOST_LOOKED_UP]
        return [video for video in looked_up if await self._access.search(video, 1)]

    async def _take_out(self, videos: Iterable[str], shelf: Shelf) -> None:
        described = [shelf.unlisted[video] for video in videos if video in shelf.unlisted]
        for envelopes in _by_size(described):
            await self._send(describe=tuple(envelopes))

    def _note(self, part: Sequence[Held], receipt: Receipt) -> None:
        for held in part:
            self._told[held.id] = held
            self.refused.pop(held.id, None)
        self._note_refused(receipt)

    def _note_refused(self, receipt: Receipt) -> None:
        # Of what it was told: whatever else an index answers would pile up here.
        told = self._told
        self.refused |= {video: why for video, why in receipt.refused.items() if video in told}

    def _forget(self, videos: Iterable[str]) -> None:
        for video in videos:
            self._told.pop(video, None)
            self.refused.pop(video, None)

    async def _send(self, **parts: Any) -> Receipt:
        """Publish. Where that comes too late or too early, ask what time it is, once."""
        for _ in range(2):
            receipt = await self._access.publish(self._sealed(parts))
            if receipt is not None:
                self.answered_at = self._clock()
                return receipt
            await self._probe()
            if self.info is None:
                break
        raise PeerRefused(STALE)

    def _sealed(self, parts: Mapping[str, Any]) -> bytes:
        assert self.info is not None
        now = int((self._clock() + self._offset) * 1000)
        self._at = max(self._at + 1, now)
        holder = self._ourselves()
        publication = Publication(
            index=self.info.id, at=self._at, peer=holder.peer, swarm=holder.swarm[0], **parts
        )
        return seal_publication(publication, self._identity)


def _renew_seconds(info: IndexInfo) -> float:
    return max(LEAST_RENEW_SECONDS, info.renew)


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _by_size(envelopes: Iterable[SignedDescriptor]) -> Iterator[list[SignedDescriptor]]:
    part: list[SignedDescriptor] = []
    size = 0
    for envelope in envelopes:
        size += len(envelope.payload)
        if part and (size > DESCRIBED_BYTES or len(part) == DESCRIBED_EACH):
            yield part
            part, size = [], len(envelope.payload)
        part.append(envelope)
    if part:
        yield part
