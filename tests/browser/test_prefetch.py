"""Pointing at a result: its beginning comes, goes again, or is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Request, expect
from tests.browser.app import (
    LOOK_MS,
    PATIENCE,
    Town,
    of_video,
    search,
    until_it_plays,
    walk_clip,
)
from tests.node.checks import assert_is_nothing, entries
from tests.nodes import NodeProcess

pytestmark = pytest.mark.browser


@pytest.fixture
def stroll(town: Town, tmp_path: Path) -> str:
    """The id of a film that Alice has, and Bob has heard of."""
    video_id = str(town.a.add(walk_clip(tmp_path / "the stroll.mp4"))["id"])
    town.b.find("stroll")
    return video_id


def listen(page: Page, video_id: str) -> list[str]:
    """The methods with which the page asks for the video to be fetched ahead, as they come."""
    methods: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith(f"/videos/{video_id}/prefetch"):
            methods.append(request.method)

    page.on("request", note)
    return methods


def beginning(node: NodeProcess) -> list[str]:
    return entries(node.data_dir / "videos" / ".prefetch")


async def result(page: Page, node: NodeProcess) -> Locator:
    await page.goto(node.url)
    await search(page, "stroll")
    link = page.get_by_role("main").get_by_role("link", name="the stroll")
    await expect(link).to_be_visible()
    return link


async def test_pointing_at_a_result_and_away(page: Page, town: Town, stroll: str) -> None:
    asked = listen(page, stroll)
    link = await result(page, town.b)
    async with page.expect_response(f"**/videos/{stroll}/prefetch") as begun:
        await link.hover()
    assert (await begun.value).status == 202
    town.b.until(lambda: beginning(town.b), lambda names: "the stroll.mp4" in names)
    assert asked == ["POST"]
    async with page.expect_response(f"**/videos/{stroll}/prefetch") as ended:
        await page.get_by_role("searchbox").hover()
    assert (await ended.value).status == 204
    assert asked == ["POST", "DELETE"]
    assert_is_nothing(town.b.data_dir / "videos" / ".prefetch")
    assert stroll not in {video["id"] for video in town.b.get("videos")}


async def test_what_is_pointed_at_is_played(page: Page, town: Town, stroll: str) -> None:
    asked = listen(page, stroll)
    link = await result(page, town.b)
    async with page.expect_response(f"**/videos/{stroll}/prefetch"):
        await link.hover()
    town.b.until(lambda: beginning(town.b), lambda names: "the stroll.mp4" in names)
    await link.click()
    await until_it_plays(page)
    town.b.complete(stroll)
    assert asked[0] == "POST"
    assert asked.count("POST") == 1
    town.b.until(lambda: beginning(town.b), lambda names: names == [])
    town.b.delete(f"videos/{stroll}", delete_file=True)


async def test_by_keyboard(page: Page, town: Town, stroll: str) -> None:
    asked = listen(page, stroll)
    link = await result(page, town.b)
    async with page.expect_response(f"**/videos/{stroll}/prefetch"):
        await link.focus()
    async with page.expect_response(f"**/videos/{stroll}/prefetch"):
        await page.get_by_role("searchbox").focus()
    assert asked == ["POST", "DELETE"]


async def test_a_page_that_is_opened_directly(page: Page, town: Town, stroll: str) -> None:
    await page.goto(f"{town.b.url}/#/watch/{stroll}")
    # Nothing was pointed at, and nobody presses play: what comes does so for the page alone.
    picture = of_video("video && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA")
    await page.wait_for_function(picture, timeout=PATIENCE, polling=LOOK_MS)
    town.b.complete(stroll)
    town.b.until(lambda: beginning(town.b), lambda names: names == [])
    town.b.delete(f"videos/{stroll}", delete_file=True)
