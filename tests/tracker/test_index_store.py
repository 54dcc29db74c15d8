"""An index over a real file: what is published is found, and what is over is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.tracker.indexing import holders, publish, search, titles
from tests.tracker.publishing import FAR, Clock, Teller, video_id

from p2ptube.errors import BadSignature, Conflict, StorageError
from p2ptube.tracker.index import EXPIRY, TAKEN_OUT, WINDOW
from p2ptube.tracker.index_store import Index

# --- publish, renew, withdraw ---------------------------------------------------------------


async def test_published_is_found_with_its_holder(index: Index, clock: Clock) -> None:
    one = Teller(index, clock)
    await publish(one, "red fox", "blue whale")
    (found,) = await search(index, "fox")
    assert found.descriptor == one.describe("red fox")
    assert [(h.peer, h.swarm) for h in found.holders] == [(f"{FAR}:5001", (f"{FAR}:6001",))]
    assert await titles(index) == ["blue whale", "red fox"]


async def test_a_second_holder_need_not_describe(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    await publish(one, "fox")
    receipt = await other.tell(hold=[other.hold("fox", key=one.identity.public_key)])
    assert receipt.wanted == ()
    assert await holders(index, "fox") == {one.peer, other.peer}


async def test_who_does_not_renew_is_forgotten(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    await publish(one, "fox", "whale")
    await other.tell(hold=[other.hold("fox")])
    clock.now += EXPIRY - 1
    assert (await other.tell(hold=[other.hold("fox")])).wanted == ()
    clock.now += 2
    assert await holders(index, "fox") == {other.peer}
    assert await titles(index) == ["fox"]
    await index.sweep()
    assert (index.info().videos, index.info().holders) == (1, 1)
    assert (await one.tell(hold=[one.hold("whale")])).wanted == (video_id("whale"),)


async def test_withdrawn_and_left(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    await publish(one, "fox", "whale")
    await other.tell(hold=[other.hold("fox")])
    await one.tell(withdraw=[video_id("fox"), video_id("unknown")])
    assert await holders(index, "fox") == {other.peer}
    await other.tell(leave=True)
    assert await titles(index) == ["whale"]
    await other.tell(withdraw=[video_id("whale")])  # somebody else's
    assert await titles(index) == ["whale"]


async def test_it_counts_what_it_lists_at_once(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)

    def counted() -> tuple[int, int]:
        return index.info().videos, index.info().holders

    await publish(one, "fox", "whale", "owl")
    await other.tell(hold=[other.hold("fox"), other.hold("whale")])
    assert counted() == (3, 5)
    await one.tell(describe=[one.describe("fox")])  # again
    await one.tell(withdraw=[video_id("fox"), video_id("owl")])
    assert counted() == (2, 3)
    await one.tell(describe=[one.describe("whale", unlisted=True, sequence=1)])
    assert counted() == (1, 1)
    await one.tell(describe=[one.describe("whale", unlisted=True, sequence=2)])
    assert counted() == (1, 1)
    await one.tell(describe=[one.describe("whale", sequence=3)])
    assert counted() == (2, 2)
    await other.tell(leave=True)
    assert counted() == (1, 1)
    await index.sweep()
    assert counted() == (1, 1)


async def test_a_node_moves(index: Index, clock: Clock) -> None:
    one = Teller(index, clock)
    await publish(one, "fox")
    one.source = "203.0.113.9"
    await one.tell()
    assert await holders(index, "fox") == {"203.0.113.9:5001"}


async def test_a_restart_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "kept.sqlite"
    index = await Index.open(path, clock=clock)
    one = Teller(index, clock)
    await publish(one, "fox")
    replayed = one.body(withdraw=[video_id("fox")])
    await one.tell()
    before = index.id, await search(index, "fox")
    await index.close()
    clock.now += 3 * EXPIRY  # nobody could renew meanwhile
    index = await Index.open(path, clock=clock)
    one.index = index
    assert (index.id, await search(index, "fox")) == before
    with pytest.raises(Conflict):
        await one.send(replayed)
    clock.now += EXPIRY + 1
    assert await search(index, "fox") == []
    await index.close()
    with pytest.raises(StorageError, match="the index is closed"):
        await search(index)


async def test_not_an_index(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(StorageError, match="is damaged"):
        await Index.open(path)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(StorageError, match="not an index"):
        await Index.open(other)


# --- who may change what --------------------------------------------------------------------


async def test_an_update_needs_the_key_and_a_higher_number(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    await publish(one, "fox")
    await one.tell(describe=[one.describe("fox", title="Red fox", sequence=5)])
    assert await titles(index) == ["Red fox"]
    await one.tell(describe=[one.describe("fox", title="old", sequence=4)])
    await one.tell(describe=[one.describe("fox", title="same", sequence=5)])
    await other.tell(describe=[other.describe("fox", title="not mine", sequence=9)])
    assert await titles(index) == ["Red fox"]
    assert await titles(index, "not mine") == []
    # He holds the same file all the same; and anybody may pass on what its publisher signed.
    assert await holders(index, "fox") == {one.peer, other.peer}
    await other.tell(describe=[one.describe("fox", title="Vulpes", sequence=6)])
    assert await titles(index) == ["Vulpes"]
    assert await titles(index, "red") == []


async def test_a_holder_with_a_newer_descriptor_is_asked_for_it(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    await publish(one, "fox")
    key = one.identity.public_key
    receipt = await other.tell(hold=[other.hold("fox", key=key, sequence=1)])
    assert receipt.wanted == (video_id("fox"),)
    assert await holders(index, "fox") == {one.peer, other.peer}


async def test_forged_descriptors_refuse_the_publication(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    good = one.describe("fox")
    forged = type(good)(payload=good.payload, key=other.identity.public_key, sig=good.sig)
    garbage = one.identity.sign(b"{}")
    for bad in (forged, type(good)(payload=b"{}", key=one.identity.public_key, sig=garbage)):
        with pytest.raises(BadSignature, match="a descriptor"):
            await one.tell(describe=[one.describe("whale"), bad])
    assert await search(index) == []


async def test_replays_are_refused(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    withdrawal = one.body(withdraw=[video_id("fox")])
    await publish(one, "fox")
    stranger = bytes((203, 0, 113, 9))
    with pytest.raises(Conflict, match="not newer"):
        await index.publish(withdrawal, stranger)
    renewal = one.body(hold=[one.hold("fox")])
    await one.send(renewal)
    with pytest.raises(Conflict, match="not newer"):
        await index.publish(renewal, stranger)
    with pytest.raises(Conflict, match="another index"):
        await one.tell(index="00" * 16)
    assert await holders(index, "fox") == {one.peer}
    # Not even once the node has gone and is forgotten.
    last = one.body(leave=True)
    await one.send(last)
    clock.now += WINDOW + 1
    await index.sweep()
    for body in (renewal, last):
        with pytest.raises(Conflict):
            await index.publish(body, stranger)
    assert (await other.tell(hold=[other.hold("fox")])).wanted


# --- unlisted -------------------------------------------------------------------------------


async def test_unlisted_is_refused(index: Index, clock: Clock) -> None:
    one = Teller(index, clock)
    receipt = await one.tell(describe=[one.describe("fox", unlisted=True), one.describe("whale")])
    assert receipt.refused == {video_id("fox"): "an unlisted video is not for the index"}
    assert await titles(index) == ["whale"]


async def test_the_publisher_takes_it_out_for_all_holders(index: Index, clock: Clock) -> None:
    one, other = Teller(index, clock), Teller(index, clock, 2)
    key = one.identity.public_key
    await publish(one, "fox")
    await other.tell(hold=[other.hold("fox", key=key)])
    await one.tell(describe=[one.describe("fox", unlisted=True, sequence=1)])
    assert await search(index) == []
    assert await search(index, video_id("fox")) == []
    receipt = await other.tell(
        hold=[other.hold("fox", key=key)], describe=[one.describe("fox", title="again")]
    )
    assert set(receipt.refused) == {video_id("fox")}
    # As long as somebody keeps trying, and some time longer.
    clock.now += TAKEN_OUT - 1
    assert (await other.tell(hold=[other.hold("fox", key=key)])).refused
    clock.now += TAKEN_OUT - 1
    await index.sweep()
    assert (await other.tell(hold=[other.hold("fox", key=key)])).refused
    await one.tell(describe=[one.describe("fox", sequence=2)])
    assert await holders(index, "fox") == {one.peer}
    await one.tell(describe=[one.describe("fox", unlisted=True, sequence=3)])
    clock.now += TAKEN_OUT + 1
    await index.sweep()
    assert (await other.tell(hold=[other.hold("fox", key=key)])).wanted
