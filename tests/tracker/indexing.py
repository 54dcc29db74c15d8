"""An index over a real file, and what it is asked: shared by the tests of the index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.tracker.publishing import Clock, Teller

from p2ptube.descriptor import open_envelope
from p2ptube.models import Found
from p2ptube.tracker.index_search import Query
from p2ptube.tracker.index_store import Index


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def index(tmp_path: Path, clock: Clock) -> AsyncIterator[Index]:
    index = await Index.open(tmp_path / "index.sqlite", clock=clock)
    yield index
    await index.close()


async def search(index: Index, text: str = "", **query: object) -> list[Found]:
    return await index.search(Query(**{"text": text, "limit": 50, **query}))  # type: ignore[arg-type]


async def titles(index: Index, text: str = "") -> list[str]:
    return [open_envelope(found.descriptor).title for found in await search(index, text)]


async def holders(index: Index, text: str) -> set[str]:
    (found,) = await search(index, text)
    return {holder.peer for holder in found.holders}


async def publish(teller: Teller, *names: str) -> None:
    """As a node does it: what is held is named, what is wanted is described."""
    held = [teller.hold(name) for name in names]
    receipt = await teller.tell(hold=held)
    assert receipt.wanted == tuple(h.id for h in held)
    await teller.tell(describe=[teller.describe(name) for name in names])
