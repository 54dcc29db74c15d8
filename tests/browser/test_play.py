"""The main job by mouse: real nodes, the page that they serve, and a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Page, expect
from tests.clips import make_clip
from tests.node.checks import assert_is_nothing, progress
from tests.nodes import NodeProcess, nodes

pytestmark = pytest.mark.browser

# A clip of four minutes that plays at two thirds of the rate at which A sends: a fifth of it, or
# 48 s of film, takes half a minute to arrive.
SECONDS = 240
BIT_RATE = 352_000  # bits/s, and 128,000 of sound
LIMIT = 90_000  # bytes/s
PATIENCE = 30_000  # milliseconds


class Town(NamedTuple):
    """A has a film and sends slowly; B knows A."""

    a: NodeProcess
    b: NodeProcess


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    film = folder / "the long film.mp4"
    make_clip(film, seconds=SECONDS, size=(320, 180), fps=12, bit_rate=BIT_RATE)
    with nodes() as start:
        a = start(folder / "a", "--name", "Alice", upload_limit=LIMIT)
        a.add(film)
        b = start(folder / "b", "--name", "Bob", join=a.peer_id)
        yield Town(a, b)


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "red fox.avi", seconds=6, video="mpeg4", audio="libmp3lame")


async def search(page: Page, text: str) -> None:
    await page.get_by_role("searchbox").click()
    await page.keyboard.type(text)
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#results-state")).to_have_text("1 found")


async def until_it_plays(page: Page, from_second: float) -> None:
    """Wait until pictures have moved on for a second, with the next one at hand."""
    await page.wait_for_function(
        """(from) => {
            const video = document.querySelector("video");
            return !video.seeking && video.currentTime > from + 1 && video.readyState >= 3
                && video.getVideoPlaybackQuality().totalVideoFrames > 10;
        }""",
        arg=from_second,
        timeout=PATIENCE,
    )


async def test_it_plays_long_before_it_is_all_there(page: Page, town: Town) -> None:
    _, b = town
    await page.goto(f"{b.url}/")
    await search(page, "long film")
    await page.locator("#results .title").click()
    await until_it_plays(page, 0)
    video_id = page.url.rpartition("/")[2]
    assert 0 < await asyncio.to_thread(progress, b, video_id) < 0.2
    await expect(page.locator("#watch-title")).to_have_text("the long film")
    await expect(page.locator("#watch-facts")).to_contain_text("fetching")
    await expect(page.locator("#watch-swarm")).to_contain_text("1 connections")
    duration = await page.evaluate("document.querySelector('video').duration")
    assert duration == pytest.approx(SECONDS, abs=1)

    target = 0.7 * duration
    await page.evaluate("(to) => { document.querySelector('video').currentTime = to; }", target)
    await until_it_plays(page, target)
    assert await asyncio.to_thread(progress, b, video_id) < 0.5
    assert await page.evaluate("document.querySelector('video').error") is None

    await page.locator("#watch").get_by_role("button", name="Stop").click()
    await expect(page.locator("#watch")).to_be_hidden()
    await expect(page.locator("#no-videos")).to_be_visible()
    assert_is_nothing(b.data_dir / "videos" / video_id)


async def test_add_find_fetch_watch_and_delete_by_mouse(page: Page, town: Town, fox: Path) -> None:
    a, b = town
    await page.goto(f"{a.url}/")
    await expect(page.locator("#videos .title")).to_have_text(["the long film"])
    await page.locator("#file").set_input_files(fox)
    await page.get_by_role("button", name="Add file").click()
    await expect(page.locator("#jobs .title")).to_have_text("red fox.avi")
    await expect(page.locator("#jobs progress")).to_be_visible()
    await expect(page.locator("#videos .title")).to_have_text(
        ["red fox", "the long film"], timeout=PATIENCE
    )
    await expect(page.locator("#jobs-section")).to_be_hidden()
    await page.locator("#videos .title").first.click()
    await until_it_plays(page, 0)

    await page.goto(f"{b.url}/")
    await search(page, "fox")
    await expect(page.locator("#results .facts")).to_contain_text("by Alice")
    await page.locator("#results").get_by_role("button", name="Fetch").click()
    mine = page.locator("#videos li").filter(has_text="red fox")
    await expect(mine.locator(".title")).to_have_text("red fox")
    await expect(mine.get_by_role("button", name="Stop")).to_have_count(0, timeout=PATIENCE)
    await expect(mine.locator(".facts")).not_to_contain_text("fetching")
    await mine.locator(".title").click()
    await until_it_plays(page, 0)
    videos = {video["title"]: video for video in await asyncio.to_thread(b.get, "videos")}
    video = videos["red fox"]
    assert video["state"] == "complete"
    poster = mine.locator("img")
    assert await poster.evaluate("image => image.complete && image.naturalWidth > 0")

    page.on("dialog", lambda dialog: dialog.accept())
    await mine.get_by_role("button", name="Delete").click()
    await expect(mine).to_have_count(0)
    await expect(page.locator("#watch")).to_be_hidden()
    assert video["id"] not in {each["id"] for each in await asyncio.to_thread(b.get, "videos")}
    assert_is_nothing(b.data_dir / "videos" / video["id"])


async def test_what_cannot_be_added_is_said(page: Page, town: Town, tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear reader, " * 1000)
    await page.goto(f"{town.b.url}/")
    source = page.get_by_label("Its path here")
    add = page.get_by_role("button", name="Add", exact=True)
    await source.fill("/no/such/film.mp4")
    await add.click()
    await expect(page.get_by_role("alert")).to_contain_text("there is no file /no/such/film.mp4")
    await source.fill(str(text))
    await add.click()
    await expect(page.locator("#jobs .facts")).to_contain_text("failed:")
    await expect(page.get_by_role("alert")).to_be_hidden()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#jobs-section")).to_be_hidden()


async def test_peers_by_mouse(page: Page, town: Town, tmp_path: Path) -> None:
    a, b = town
    with nodes() as start:
        c = await asyncio.to_thread(start, tmp_path / "c", "--name", "Carol")
        await page.goto(f"{c.url}/")
        await expect(page.locator("#no-peers")).to_be_visible()
        await page.get_by_label("Address of a peer").fill(a.peer_id)
        await page.get_by_role("button", name="Add peer").click()
        peers = page.locator("#peers .title")
        alice, bob = f"Alice ({a.peer_id})", f"Bob ({b.peer_id})"
        await expect(peers).to_have_text([alice])
        await expect(page.locator("#peers .facts")).to_contain_text("p2ptube · alive")
        await page.get_by_role("button", name="Rebuild").click()
        await expect(peers).to_have_count(2)
        assert set(await peers.all_text_contents()) == {alice, bob}
        await page.get_by_role("button", name="Refresh").click()
        await expect(peers).to_have_count(2)
        row = page.locator("#peers li").filter(has_text="Alice")
        await row.get_by_role("button", name="Remove").click()
        await expect(peers).to_have_text([bob])
        await asyncio.to_thread(
            a.until, lambda: {p["id"] for p in a.get("peers")}, lambda ids: c.peer_id not in ids
        )
        # Nobody needs to reload the page: who joins and leaves appears and goes by itself.
        d = await asyncio.to_thread(start, tmp_path / "d", "--name", "Dan", join=c.peer_id)
        await expect(peers.filter(has_text="Dan")).to_have_count(1)
        await asyncio.to_thread(d.stop)
        await expect(peers.filter(has_text="Dan")).to_have_count(0)
