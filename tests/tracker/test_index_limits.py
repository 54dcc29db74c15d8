"""How much an index takes of whom, and what a search of it gives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tracker.indexing import holders, publish, search, titles
from tests.tracker.publishing import Clock, Teller, video_id

from p2ptube.errors import InvalidInput, PeerFault
from p2ptube.tracker.index import Limits
from p2ptube.tracker.index_rates import Rates
from p2ptube.tracker.index_store import Index

NEAR = "127.0.0.1"


# --- limits ---------------------------------------------------------------------------------


async def test_no_node_and_no_address_fills_the_index(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(held_per_node=2, held_per_address=3, nodes_per_address=2)
    index = await Index.open(tmp_path / "small.sqlite", limits=limits, clock=clock)
    tellers = [Teller(index, clock, number) for number in (1, 2, 3)]
    names = ("a one", "b two", "c three")
    refused = []
    for teller in tellers[:2]:
        receipt = await teller.tell(describe=[teller.describe(name) for name in names])
        refused.append(set(receipt.refused))
    assert refused == [{video_id("c three")}, {video_id("b two"), video_id("c three")}]
    with pytest.raises(InvalidInput, match="too many nodes"):
        await tellers[2].tell()
    tellers[2].source = "203.0.113.9"
    assert not (await tellers[2].tell(describe=[tellers[2].describe("c three")])).refused
    # What was withdrawn makes room.
    await tellers[0].tell(withdraw=[video_id("a one")])
    assert not (await tellers[0].tell(hold=[tellers[0].hold("c three")])).refused
    await index.close()


async def test_descriptors_are_counted_by_their_bytes(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(bytes_per_address=20_000, bytes_in_all=25_000)
    index = await Index.open(tmp_path / "small.sqlite", limits=limits, clock=clock)
    one, other = Teller(index, clock), Teller(index, clock, 2, source="203.0.113.9")
    long = "x" * 9_000
    receipts = [
        await one.tell(describe=[one.describe(name, description=long) for name in ("a", "b", "c")]),
        await other.tell(describe=[other.describe("d", description=long)]),
    ]
    assert [set(receipt.refused) for receipt in receipts] == [{video_id("c")}, {video_id("d")}]
    assert len(await search(index)) == 2
    await index.close()


async def test_no_more_holders_than_that(index: Index, clock: Clock) -> None:
    await publish(Teller(index, clock, 1), "fox")
    for number in range(2, 60):
        teller = Teller(index, clock, number)
        await teller.tell(hold=[teller.hold("fox")])
    (found,) = await search(index, "fox")
    assert len(found.holders) == 50


async def test_loopback_addresses_are_for_this_machine(index: Index, clock: Clock) -> None:
    near, far = Teller(index, clock, 1, source=NEAR), Teller(index, clock, 2)
    await publish(near, "fox")
    await far.tell(hold=[far.hold("fox")])
    assert await holders(index, "fox") == {far.peer}
    (found,) = await search(index, "fox", neighbour=True)
    assert {holder.peer for holder in found.holders} == {near.peer, far.peer}


# --- search ---------------------------------------------------------------------------------


async def test_words(index: Index, clock: Clock) -> None:
    one = Teller(index, clock)
    video = one.describe(
        "clip", title="Der Rote Füchs", description="im Wald bei 北京", publisher="Ann Lee"
    )
    await one.tell(describe=[video, one.describe("other")])
    for text in ("FUCHS", "rote wald", "ote fuc", "ann", "le", "clip.mp4", "北京", "wa im"):
        assert await titles(index, text) == ["Der Rote Füchs"], text
    for text in ("fuchs wolf", 'AND"', "zz", "title:rote", video_id("unknown")):
        assert await titles(index, text) == [], text
    assert await titles(index, video_id("clip")) == ["Der Rote Füchs"]


async def test_the_best_first_and_page_by_page(index: Index, clock: Clock) -> None:
    one = Teller(index, clock)
    await one.tell(
        describe=[
            one.describe("a", title="plain", description="a zebra far away, among many words"),
            one.describe("b", title="zebra"),
        ]
    )
    assert await titles(index, "zebra") == ["zebra", "plain"]
    assert len(await search(index, "zebra", limit=1)) == 1
    assert len(await search(index, "", limit=1, start=1)) == 1
    assert await search(index, "", limit=5, start=2) == []
    assert await search(index, "", limit=-1, start=-1) == []


async def test_any_query_and_any_publication(index: Index) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.text(max_size=30), st.binary(max_size=200))
    def check(text: str, body: bytes) -> None:
        asyncio.run_coroutine_threadsafe(one(text, body), loop).result(20)

    async def one(text: str, body: bytes) -> None:
        await search(index, text)
        with pytest.raises(PeerFault):
            await index.publish(body, bytes(4))

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(check)


# --- rates ----------------------------------------------------------------------------------


def test_rates() -> None:
    rates = Rates(per_second=2, burst=3)
    one, other = b"1111", b"2222"
    assert [rates.take(one, 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take(other, 0.0) == 0
    assert rates.take(one, 0.5) == 0
    assert rates.take(one, 0.5) > 0
    assert rates.take(one, 100.0) == 0
    assert [rates.take(one, 100.0) for _ in range(3)] == [0, 0, 0.5]


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.floats(0, 10)), max_size=50))
def test_nobody_gets_more_than_his_rate(steps: list[tuple[bytes, float]]) -> None:
    rates = Rates(per_second=1, burst=5)
    now = 0.0
    taken = {b"a": 0, b"b": 0}
    for address, pause in steps:
        now += pause
        taken[address] += rates.take(address, now) == 0
    assert all(count <= 5 + now + 1e-6 for count in taken.values())
