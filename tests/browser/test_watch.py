"""Watching: with the swarm at work, by keyboard, and what is beside and below the player."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect
from tests.browser.app import WALK_SECONDS, Town, search, told, until, until_it_plays
from tests.clips import make_clip
from tests.node.checks import progress, swarm_address, until_is_nothing
from tests.nodes import NodeProcess, nodes

pytestmark = pytest.mark.browser

# A film that its only holder sends at twice the rate at which it plays: a fifth of it takes half
# a minute to arrive.
SECONDS = 300
BIT_RATE = 272_000  # bits/s, and 128,000 of sound


@pytest.fixture(scope="module")
def slow(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node of the town that has the long film, and a slow line."""
    folder = tmp_path_factory.mktemp("slow")
    film = folder / "the long film.mp4"
    make_clip(film, seconds=SECONDS, size=(320, 180), fps=12, bit_rate=BIT_RATE, faststart=True)
    limit = 2 * film.stat().st_size // SECONDS
    with nodes() as start:
        node = start(folder / "s", "--name", "Slow", join=town.a.peer_id, upload_limit=limit)
        node.add(film)
        town.b.find("long film")
        yield node


async def watch_the_walk(page: Page, town: Town) -> None:
    await page.goto(f"{town.a.url}/#/watch/{town.walk['id']}")
    await until_it_plays(page)


async def watch_the_long_film(page: Page, town: Town) -> str:
    """Let Bob find it and play it; its id."""
    await page.goto(f"{town.b.url}/")
    await search(page, "long film")
    await page.get_by_role("link", name="the long film", exact=True).click()
    await until_it_plays(page)
    return page.url.rpartition("/")[2]


async def test_it_plays_long_before_it_is_all_there(
    page: Page, town: Town, slow: NodeProcess
) -> None:
    b = town.b
    video_id = await watch_the_long_film(page, town)
    assert 0 < await asyncio.to_thread(progress, b, video_id) < 0.2
    measured = page.locator(".measured")
    await expect(measured).to_have_text(re.compile(r"^Started in .+ · "))
    # Once five seconds are in hand, it is not held up again.
    await until(page, "video.buffered.length && video.buffered.end(0) > video.currentTime + 5")
    before = await measured.inner_text()
    await until_it_plays(page, to_second=await told(page, "video.currentTime + 5"))
    assert await measured.inner_text() == before
    await expect(page.locator(".about .badge")).to_have_text(re.compile(r"^Fetching \d+%$"))

    swarm = page.get_by_role("region", name="The swarm")
    pieces = re.compile(r"^Piece map\. \d+ of \d+ pieces are here")
    await expect(swarm.get_by_role("img", name=pieces)).to_be_visible()
    row = swarm.get_by_role("row").filter(has_text=swarm_address(slow))
    await expect(row).to_contain_text(re.compile(r"(TCP|uTP) · .*has 100%"))
    await expect(row.get_by_role("cell").last).to_have_text(re.compile(r"^\d[\d.]* [kM]B"))
    await expect(swarm.get_by_role("region", name="How much came from whom")).to_contain_text(
        re.compile(re.escape(swarm_address(slow)) + r".*100%", re.DOTALL)
    )

    await page.keyboard.press("8")
    await until_it_plays(page, 0.8 * SECONDS - 1, 0.8 * SECONDS + 1)
    assert await asyncio.to_thread(progress, b, video_id) < 0.6
    await expect(measured).to_contain_text("last seek")
    assert await told(page, "video.error") is None

    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_text("Not on this machine any more.")).to_be_visible()
    await expect(page.locator(".about .badge")).to_have_text("On the network")
    await asyncio.to_thread(until_is_nothing, b.data_dir / "videos" / video_id)


async def test_whether_it_is_kept_can_be_switched_while_it_plays(
    page: Page, town: Town, slow: NodeProcess
) -> None:
    b = town.b
    video = f"videos/{await watch_the_long_film(page, town)}"
    keep = page.get_by_role("switch", name="Keep this video")
    await expect(keep).to_be_checked()
    for kept in (False, True, False):
        await keep.click()
        await expect(keep).to_be_checked(checked=kept)
        assert (await asyncio.to_thread(b.get, video))["keep"] is kept
    await until_it_plays(page, to_second=await told(page, "video.currentTime + 1"))
    assert (b.data_dir / video).is_dir()

    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_text("Not on this machine any more.")).to_be_visible()
    await asyncio.to_thread(until_is_nothing, b.data_dir / video)


async def test_the_keys_of_youtube(page: Page, town: Town) -> None:
    await watch_the_walk(page, town)
    assert await told(page, "video.duration") == pytest.approx(WALK_SECONDS, abs=1)
    for state in ("video.paused", "!video.paused", "video.paused"):
        await page.keyboard.press("k")
        await until(page, state)
    for key, second in (("5", 30), ("l", 40), ("j", 30), ("ArrowLeft", 25), ("9", 54), ("0", 0)):
        await page.keyboard.press(key)
        await until(page, f"!video.seeking && Math.abs(video.currentTime - {second}) < 1")
    # It is said for a moment only: who looks now and then may miss it.
    await page.evaluate(
        """() => {
            window.said = "";
            const hear = () => { window.said += document.body.innerText };
            new MutationObserver(hear).observe(
                document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    await page.keyboard.press("m")
    await until(page, "video.muted")
    await until(page, "window.said.includes('Sound off')")
    await page.keyboard.press("m")
    await until(page, "!video.muted")
    await page.keyboard.press(">")
    await until(page, "video.playbackRate === 1.25")
    await page.keyboard.press("<")
    await until(page, "video.playbackRate === 1")

    theatre = page.get_by_role("button", name="Theatre")
    for pressed in ("true", "false"):
        await page.keyboard.press("t")
        await expect(theatre).to_have_attribute("aria-pressed", pressed)
    await page.keyboard.press("f")
    await until(page, "document.fullscreenElement?.contains(video)")
    await page.keyboard.press("f")
    await until(page, "!document.fullscreenElement")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_contain_text("10 seconds back or on")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.keyboard.press("k")
    await until(page, "!video.paused")


async def test_it_goes_on_where_it_was_left(page: Page, town: Town) -> None:
    await watch_the_walk(page, town)
    await page.keyboard.press("5")
    await until_it_plays(page, 30)
    await page.get_by_role("link", name="Home", exact=True).click()
    await expect(page.locator("video")).to_have_count(0)
    await page.get_by_role("link", name="the walk").click()
    await until_it_plays(page, 30)


async def test_share_and_what_is_beside(page: Page, town: Town) -> None:
    await watch_the_walk(page, town)
    swarm = page.get_by_role("region", name="The swarm")
    await expect(swarm).to_contain_text(re.compile(r"All \d+ pieces are here\."))
    await page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share")
    await expect(dialog.get_by_label("Magnet link", exact=True)).to_have_value(town.walk["magnet"])
    await expect(dialog.get_by_role("img", name="QR code of the magnet link")).to_be_visible()
    await dialog.get_by_role("button", name="Copy the magnet link").click()
    await expect(dialog.get_by_role("button", name="Copied the magnet link")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == town.walk["magnet"]
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)
    await page.get_by_text("About the file").click()
    await expect(page.get_by_role("definition").filter(has_text="h264")).to_be_visible()


async def test_a_video_that_nobody_knows(page: Page, town: Town) -> None:
    await page.goto(f"{town.b.url}/#/watch/{'f' * 40}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This video is not known here")
    await page.get_by_role("link", name="Back to the videos").click()
    await expect(page.get_by_role("link", name="the walk")).to_be_visible()
