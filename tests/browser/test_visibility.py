"""Who can see a video, chosen in the web app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.browser.app import toast
from tests.clips import make_clip
from tests.node import strangers
from tests.nodes import NodeProcess, nodes


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(tmp_path_factory.mktemp("visibility") / "node")


async def test_an_uploaded_video_is_private_until_it_is_shared(
    page: Page, node: NodeProcess, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "first steps.mp4", seconds=2, faststart=True)
    await page.goto(f"{node.url}/#/library")
    await page.get_by_role("link", name="Add", exact=True).click()
    choice = page.get_by_role("group", name="Who can see what you add")
    await choice.get_by_role("radio", name="Private").check()
    await page.get_by_label("Video files").set_input_files(film)
    row = page.get_by_role("listitem").filter(has_text="first steps").filter(has_text="Here")
    await expect(row).to_contain_text("Private")
    assert await asyncio.to_thread(strangers.titles, node, "") == set()

    await row.get_by_role("link", name="first steps", exact=True).click()
    await expect(page.get_by_text("it is in no swarm")).to_be_visible()
    await page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share")
    await expect(dialog).to_contain_text("nobody but you can get it")
    await dialog.get_by_role("button", name="Make it public").click()
    await expect(dialog.get_by_label("Magnet link", exact=True)).to_have_value(
        "magnet:?xt=urn:btih:"
        + (await asyncio.to_thread(node.get, "videos"))[0]["id"]
        + "&dn=first%20steps.mp4"
    )
    assert await asyncio.to_thread(strangers.titles, node, "") == {"first steps"}
    await page.keyboard.press("Escape")

    await page.get_by_role("radio", name="Private").check()
    told = toast(page, "Private now.")
    await expect(told).to_contain_text("cannot be taken back")
    assert await asyncio.to_thread(strangers.titles, node, "") == set()


async def test_the_library_says_and_changes_who_can_see_a_video(
    page: Page, node: NodeProcess, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "the garden.mp4", seconds=2, faststart=True, size=(176, 144))
    await asyncio.to_thread(node.add, film)
    await page.goto(f"{node.url}/#/library")
    row = page.get_by_role("listitem").filter(has_text="the garden")
    await row.get_by_role("button", name="Edit the garden").click()
    dialog = page.get_by_role("dialog", name="Edit video")
    await dialog.get_by_role("radio", name="Unlisted").check()
    await expect(dialog).to_contain_text("cannot be taken back")
    await dialog.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("Unlisted")
    assert "the garden" not in await asyncio.to_thread(strangers.titles, node, "")
