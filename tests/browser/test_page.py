"""The page in a browser, against the web app of a node without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.web.fakes import REMOTE_ID, VIDEO_ID, FakeNode, a_video

from p2ptube.models import Holder, VideoState

pytestmark = pytest.mark.browser

Site = tuple[FakeNode, str]
MARKUP = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"


async def test_videos_are_shown_and_their_text_is_inert(page: Page, site: Site) -> None:
    node, url = site
    node.known[VIDEO_ID] = a_video(title=MARKUP, description=MARKUP)
    await page.goto(url)
    await expect(page.locator("#videos .title")).to_have_text(MARKUP)
    await page.locator("#videos .title").click()
    await expect(page.locator("#watch-title")).to_have_text(MARKUP)
    await expect(page.locator("#watch-about")).to_have_text(MARKUP)
    await expect(page.locator("#watch-swarm")).to_contain_text("0 connections")
    assert await page.title() == "p2ptube"


async def test_search_then_fetch(page: Page, site: Site) -> None:
    node, url = site
    holders = (Holder(peer="127.0.0.1:9"),)
    node.found = [a_video(REMOTE_ID, "red fox", state=VideoState.REMOTE, holders=holders)]
    await page.goto(url)
    await expect(page.locator("#no-videos")).to_be_visible()
    await page.get_by_role("searchbox").fill("red")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#results-state")).to_have_text("1 found")
    await expect(page.locator("#results .facts")).to_contain_text("2 holders")
    await page.get_by_role("button", name="Fetch").click()
    await expect(page.locator("#videos .title")).to_have_text("red fox")
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await page.get_by_role("searchbox").fill("blue")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#results-state")).to_contain_text("Nothing found")


async def test_peers_are_added_and_removed_and_errors_are_said(page: Page, site: Site) -> None:
    _, url = site
    await page.goto(url)
    address = page.get_by_label("Address of a peer")
    await address.fill("nonsense")
    await page.get_by_role("button", name="Add peer").click()
    await expect(page.get_by_role("alert")).to_contain_text("not an address of the form host:port")
    await address.fill("127.0.0.1:9")
    await page.get_by_role("button", name="Add peer").click()
    await expect(page.locator("#peers .title")).to_have_text("127.0.0.1:9")
    await expect(page.get_by_role("alert")).to_be_hidden()
    await page.get_by_role("button", name="Refresh").click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("#no-peers")).to_be_visible()


async def test_adding_by_upload_and_by_path(page: Page, site: Site, tmp_path: Path) -> None:
    node, url = site
    first, second = tmp_path / "first.mp4", tmp_path / "slow.mp4"
    first.write_bytes(b"x" * 300_000)
    second.write_bytes(b"slow")
    await page.goto(url)
    await page.locator("#file").set_input_files(first)
    await page.get_by_role("button", name="Add file").click()
    await expect(page.locator("#upload-progress")).to_be_hidden()
    await page.locator("#source").fill(str(second))
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#jobs")).to_contain_text("slow.mp4")
    assert list(node.uploads) == ["first.mp4"]
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator("#jobs-section")).to_be_hidden()


async def test_a_video_is_deleted(page: Page, site: Site) -> None:
    node, url = site
    node.known[VIDEO_ID] = a_video()
    await page.goto(url)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Delete").click()
    await expect(page.locator("#no-videos")).to_be_visible()
    assert node.known == {}


async def test_a_narrow_screen_in_the_dark(browser: Browser, site: Site) -> None:
    node, url = site
    node.known[VIDEO_ID] = a_video(title="a_very_long_title_without_any_space_" * 5)
    context = await browser.new_context(viewport={"width": 360, "height": 640}, color_scheme="dark")
    page = await context.new_page()
    await page.goto(f"{url}#/watch/{VIDEO_ID}")
    await expect(page.locator("#videos .title")).to_be_visible()
    await expect(page.locator("#watch-title")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(20, 24, 22)"
    await context.close()


async def test_a_page_of_another_local_server_cannot_use_the_node(page: Page, site: Site) -> None:
    node, url = site
    node.known[VIDEO_ID] = a_video()
    statuses: list[int] = []
    page.on("response", lambda r: statuses.append(r.status) if "api/v1/peers" in r.url else None)

    async def empty_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(empty_page, "127.0.0.1", 0) as other:
        await page.goto(url)  # the browser has the cookie now
        await expect(page.locator("#videos .title")).to_be_visible()
        # The same host: to a browser the same site, whose requests carry the cookie.
        await page.goto(f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/")
        statuses.clear()
        await page.evaluate(
            """(url) => fetch(url + "api/v1/peers", {
                method: "POST", mode: "no-cors", credentials: "include",
                body: '{"address": "127.0.0.1:9"}'}).catch(() => null)""",
            url,
        )
    assert statuses in ([], [403])
    assert node.peer_list == {}
