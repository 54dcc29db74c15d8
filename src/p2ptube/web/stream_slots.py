"""Pure: how many streams strangers have at once, of each address and in all.

A reader that takes nothing for a while (a paused player, or one that only wants to be in the way)
keeps its place only as long as nobody needs it. Times are seconds of any steady clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

STALLED_SECONDS = 30.0


class Refusal(Enum):
    """Why there is no place for a stream."""

    ADDRESS = "address"  # this address has as many as one may have
    FULL = "full"  # all places are taken


@dataclass(eq=False)
class Slot:
    """The place of one stream. `evict` ends the stream."""

    owner: bytes
    moved: float
    evict: Callable[[], None]


class StreamSlots:
    """The places of streams."""

    def __init__(self) -> None:
        self._slots: dict[Slot, None] = {}

    def __len__(self) -> int:
        """How many streams there are."""
        return len(self._slots)

    def enter(
        self,
        owner: bytes,
        now: float,
        evict: Callable[[], None],
        *,
        in_all: int,
        per_address: int,
    ) -> Slot | Refusal:
        """Take a place for `owner`, perhaps that of a stream that has stalled, which is evicted.

        An owner is whom limits per address count by (see `tracker.addresses`). A stalled stream
        makes way for its own owner first, then for any.
        """
        own = [slot for slot in self._slots if slot.owner == owner]
        if len(own) >= per_address and not self._evict_stalled(own, now):
            return Refusal.ADDRESS
        if len(self._slots) >= in_all and not self._evict_stalled(list(self._slots), now):
            return Refusal.FULL
        slot = Slot(owner, now, evict)
        self._slots[slot] = None
        return slot

    def leave(self, slot: Slot) -> None:
        """Give a place back; nothing happens for one that is gone."""
        self._slots.pop(slot, None)

    def _evict_stalled(self, candidates: list[Slot], now: float) -> bool:
        slot = min(candidates, key=lambda slot: slot.moved, default=None)
        if slot is None or now - slot.moved < STALLED_SECONDS:
            return False
        self.leave(slot)
        slot.evict()
        return True
