"""What people come to do, as docs/guide.md tells them to do it, where no other test does it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from tests.browser.app import LOOK_MS, Town, toast, until_it_plays, walk_clip
from tests.clips import make_clip
from tests.node.checks import until_is_nothing
from tests.nodes import NodeProcess, acquainted, nodes
from tests.subtitles import Subtitles, add_subtitles, srt

pytestmark = pytest.mark.browser

SLOW = 20_000  # bytes/s: half of what the walk needs to play


async def until_shown(page: Page, language: str | None) -> None:
    """Wait until captions are shown in a language alone, or in none."""
    await page.wait_for_function(
        """(language) => {
            const tracks = [...document.querySelector("video").textTracks];
            const shown = tracks.filter((track) => track.mode === "showing");
            return shown.length === (language ? 1 : 0)
                && shown.every((track) => track.language === language && track.activeCues?.length);
        }""",
        arg=language,
        polling=LOOK_MS,
    )


async def test_a_video_that_stands_still_says_why(page: Page, tmp_path: Path) -> None:
    with nodes() as start:
        holder = await asyncio.to_thread(start, tmp_path / "h", upload_limit=SLOW)
        walk = await asyncio.to_thread(holder.add, walk_clip(tmp_path / "the walk.mp4"))
        holder.restart_flags()
        viewer = await asyncio.to_thread(start, tmp_path / "v", join=holder.peer_id)
        await asyncio.to_thread(viewer.find, "walk")
        await page.goto(f"{viewer.url}/#/watch/{walk['id']}")
        waiting = page.locator(".waiting")
        await expect(waiting).to_contain_text("It comes slower than it plays")
        await asyncio.to_thread(holder.kill)
        await expect(page.get_by_text("no holder reachable")).to_be_visible()
        await expect(waiting).to_contain_text("Nobody who has this video can be reached.")
        await page.get_by_role("link", name="Who is there?").click()
        await expect(page.get_by_role("heading", name="Peers", level=1)).to_be_visible()

        await page.go_back()
        await asyncio.to_thread(holder.start)
        await expect(page.get_by_text("no holder reachable")).to_have_count(0)
        await until_it_plays(page)


async def test_disk_space_is_freed(page: Page, town: Town, tmp_path: Path) -> None:
    a, b, _ = town
    wanted = [await asyncio.to_thread(a.add, clip) for clip in large_and_small(tmp_path)]
    for video in wanted:
        await asyncio.to_thread(b.find, video["title"])
        await asyncio.to_thread(b.post, f"videos/{video['id']}/fetch")
    for video in wanted:
        await asyncio.to_thread(b.complete, video["id"])
    await page.goto(f"{b.url}/#/library")
    rows = page.get_by_role("region", name="Videos").get_by_role("listitem")
    await page.get_by_label("Sort").select_option(label="Largest")
    await expect(rows.filter(has_text="magpie").first).to_contain_text("large magpie")
    for video in wanted:
        await page.get_by_role("checkbox", name=f"Select {video['title']}").check()
    await expect(page.get_by_text(re.compile("^2 videos selected, "))).to_be_visible()
    await page.get_by_role("button", name="Remove", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name=re.compile("^The files? too")).check()
    await dialog.get_by_role("button", name=re.compile("^Delete")).click()
    await expect(rows.filter(has_text="magpie")).to_have_count(0)
    for video in wanted:
        await asyncio.to_thread(until_is_nothing, b.data_dir / "videos" / video["id"])


def large_and_small(folder: Path) -> list[Path]:
    return [
        make_clip(folder / "small magpie.mp4", seconds=2),
        make_clip(folder / "large magpie.mp4", seconds=6),
    ]


async def test_who_downloads_from_me_is_seen_and_slowed_down(page: Page, tmp_path: Path) -> None:
    with nodes() as start:
        mine, other = await asyncio.to_thread(two_acquainted, start, tmp_path)
        clip = make_clip(tmp_path / "jay.mp4", seconds=30, bit_rate=1_000_000, faststart=True)
        video = await asyncio.to_thread(mine.add, clip)
        await asyncio.to_thread(mine.patch, "settings", {"upload_limit": 90_000, "limit_lan": True})
        await asyncio.to_thread(other.find, "jay")
        await asyncio.to_thread(other.post, f"videos/{video['id']}/fetch")
        await page.goto(f"{mine.url}/#/library")
        await expect(page.get_by_text(re.compile(r"↑ .*/s to 1 peer"))).to_be_visible()
        await page.get_by_role("link", name="jay", exact=True).click()
        taker = page.get_by_role("region", name="The swarm").get_by_role("row").nth(1)
        await expect(taker).to_contain_text("127.0.0.1:")

        # What is wrong with its title is mended where it is seen.
        await page.get_by_role("button", name="Edit", exact=True).click()
        title = page.get_by_role("dialog").get_by_role("textbox", name="Title")
        await title.fill("A jay in the oak")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("A jay in the oak")

        await page.get_by_role("link", name="Settings").click()
        limit = page.get_by_label("Upload limit", exact=True)
        await expect(limit).to_have_value("90")
        await limit.fill("30")
        await page.get_by_role("button", name="Save").click()
        await expect(toast(page, "The settings are saved.")).to_be_visible()
        view = await asyncio.to_thread(mine.get, "settings")
        assert view["settings"]["upload_limit"] == 30_000


def two_acquainted(
    start: Callable[..., NodeProcess], folder: Path
) -> tuple[NodeProcess, NodeProcess]:
    mine = start(folder / "mine", upload_limit=None)
    other = start(folder / "other", join=mine.peer_id)
    acquainted(mine, other)
    return mine, other


async def press_until_focused(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press a key until an element has the focus."""
    for _ in range(60):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press(key)
    raise AssertionError(f"no way to {wanted}")


async def test_everything_by_keyboard(page: Page, town: Town) -> None:
    await page.goto(f"{town.b.url}/")
    await expect(page.get_by_role("link", name="the walk")).to_be_visible()
    await press_until_focused(page, page.get_by_role("button", name="Dark theme"))
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    await page.keyboard.press("/")
    await page.keyboard.type("the walk")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Search again")).to_be_visible()
    await press_until_focused(page, page.get_by_role("link", name="the walk", exact=True))
    await page.keyboard.press("Enter")
    await until_it_plays(page)
    await page.keyboard.press("k")
    await page.wait_for_function("() => document.querySelector('video').paused", polling=LOOK_MS)
    share = page.locator(".actions").get_by_role("button", name="Share")
    await press_until_focused(page, share)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Share")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(share).to_be_focused()

    await press_until_focused(page, page.get_by_role("link", name="Peers"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Peers", level=1)).to_be_visible()
    await press_until_focused(page, page.get_by_role("button", name="Remove Alice"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="Remove Alice?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("group", name="Remove Alice?")).to_have_count(0)


async def test_captions_are_off_until_they_are_wanted(
    page: Page, town: Town, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=20, size=(320, 180), bit_rate=100_000)
    hostile = "<img src=x onerror=alert(1)> & more"
    tracks = [
        Subtitles("eng", "srt", srt(*[hostile] * 20)),
        Subtitles("ger", "srt", srt(*["Grüße"] * 20)),
    ]
    film = add_subtitles(clip, tmp_path / "subtitled stork.mkv", tracks)
    video = await asyncio.to_thread(town.a.add, film)
    await asyncio.to_thread(town.b.find, "stork")
    await page.goto(f"{town.b.url}/#/watch/{video['id']}")
    await until_it_plays(page)
    await until_shown(page, None)
    await page.keyboard.press("c")
    await expect(page.get_by_text("Captions: English")).to_have_count(1)
    await until_shown(page, "en")
    text = "document.querySelector('video').textTracks[0].activeCues[0]?.getCueAsHTML().textContent"
    assert await page.evaluate(text) == "& more"
    await page.locator("video").hover()
    button = page.get_by_role("button", name="Captions", exact=True)
    await button.click()
    await expect(page.get_by_role("radio", name="English")).to_be_checked()
    await page.get_by_text("German", exact=True).click()
    await expect(button).to_be_focused()
    await until_shown(page, "de")
    await page.keyboard.press("c")
    await until_shown(page, None)
    # The choice stays, and Escape closes the list of languages without leaving anything else.
    await page.reload()
    await until_it_plays(page)
    await page.keyboard.press("c")
    await until_shown(page, "de")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("radio", name="German")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("radio")).to_have_count(0)
    await expect(button).to_be_focused()
