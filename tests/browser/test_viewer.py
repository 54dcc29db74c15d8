"""The viewer page: one viewer, and what he decides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect
from tests.browser.app import until_it_plays
from tests.browser.conftest import Faults
from tests.browser.viewers import Cinema, a_cinema, a_viewer, ended, made, share_of, shared, until
from tests.nodes import nodes

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "webui" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202e{{7*7}}"


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    with nodes() as start:
        yield a_cinema(start, tmp_path_factory.mktemp("cinema"))


async def source(page: Page) -> str:
    address: str = await page.evaluate("document.querySelector('video').currentSrc")
    return address


async def test_it_plays_from_a_click_and_asks_once(
    browser: Browser, cinema: Cinema, faults: Faults
) -> None:
    async with a_viewer(browser) as page:
        faults.watch(page)
        await page.goto(f"{cinema.origin}/")
        await page.get_by_role("link", name="the film").click()
        await until_it_plays(page)
        asked = page.get_by_role("region", name="Sharing")
        await expect(asked).to_contain_text("Sharing shows your internet address to other viewers.")
        assert await made(page) == 0
        assert "via=page" in await source(page)
        await asked.get_by_role("button", name="Share", exact=True).click()
        await expect(asked).to_have_count(0)
        await until(page, "window.made > 0")
        await expect(page.locator(".measured")).to_have_text(re.compile("^Started in .* no stalls"))

        await page.reload()
        # It is a peer from here on, also where the server has given everything meanwhile.
        await until(page, "window.made > 0")
        await expect(asked).to_have_count(0)
        await page.get_by_role("switch").click()
        await expect(page.locator(".connected")).to_have_count(0)
        await cinema_is_left(cinema)
    assert faults == []


async def cinema_is_left(cinema: Cinema) -> None:
    def connected() -> list[str]:
        return [peer["transport"] for peer in cinema.swarm()["peers"] if peer["connected"]]

    await asyncio.to_thread(cinema.node.until, connected, lambda peers: not peers)


async def test_who_declines_makes_no_connection(
    browser: Browser, cinema: Cinema, faults: Faults
) -> None:
    async with a_viewer(browser) as page:
        faults.watch(page)
        await page.goto(cinema.page)
        await page.get_by_role("button", name=re.compile("^Don.t share$")).click()
        await expect(page.locator(".shares")).to_have_text("100% from the server")
        await until_it_plays(page)
        assert await made(page) == 0

        await page.reload()
        await until_it_plays(page)
        assert "via=page" not in await source(page)
        await until(page, "video.currentTime > 2")
        await page.get_by_role("switch").click()
        await until(page, "video.currentSrc.includes('via=page') && video.currentTime > 2")
        # It is a peer from here on, also where the server has given everything meanwhile.
        await until(page, "window.made > 0")
        await until_it_plays(page, 2)
    assert faults == []


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("delete window.RTCPeerConnection;", {}),
        ("", {"service_workers": "block"}),
        ("Object.defineProperty(window, 'isSecureContext', {get: () => false});", {}),
    ],
    ids=["no WebRTC", "no service worker", "no secure context"],
)
async def test_where_it_cannot_share_it_plays_all_the_same(
    browser: Browser, cinema: Cinema, script: str, options: dict[str, str]
) -> None:
    async with a_viewer(browser, "yes", script, **options) as page:
        await page.goto(cinema.page)
        await until_it_plays(page)
        assert "via=page" not in await source(page)
        await expect(page.get_by_text("The video comes from the server alone")).to_be_visible()
        await expect(page.get_by_role("region", name="Sharing")).to_have_count(0)


async def test_when_no_peer_answers_the_server_does(browser: Browser, cinema: Cinema) -> None:
    async with a_viewer(browser, "yes") as page:

        async def refuse(socket: WebSocketRoute) -> None:
            await socket.close()

        await page.route_web_socket(re.compile("/announce$"), refuse)
        await page.goto(cinema.page)
        await ended(page)
        assert await shared(page) == "100% from the server"
        assert " no stalls" in await page.locator(".measured").inner_text()


async def test_a_hostile_title_is_text(browser: Browser, cinema: Cinema, faults: Faults) -> None:
    before = cinema.film["title"]
    change = cinema.node.api.patch(f"videos/{cinema.film['id']}", json={"title": HOSTILE})
    assert change.is_success, change.text
    title = change.json()["title"]
    try:
        async with a_viewer(browser, "yes") as page:
            faults.watch(page)
            await page.goto(cinema.page)
            await until_it_plays(page)
            await expect(page.get_by_role("heading", level=1)).to_have_text(title)
            assert await page.locator("video").get_attribute("aria-label") == title
    finally:
        cinema.node.api.patch(f"videos/{cinema.film['id']}", json={"title": before})
    assert faults == []


async def test_a_frame_waits_for_its_click(
    browser: Browser, cinema: Cinema, faults: Faults
) -> None:
    async with a_viewer(browser) as page:
        faults.watch(page)
        await page.goto(f"{cinema.origin}/embed/{cinema.film['id']}")
        await expect(page.get_by_role("region", name="Sharing")).to_be_visible()
        assert await page.evaluate("document.querySelector('video').paused")
        await page.get_by_role("button", name="Play the video").click()
        await until_it_plays(page)
        await page.keyboard.press("k")
        await until(page, "video.paused")
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(browser: Browser, cinema: Cinema, scheme: str) -> None:
    async with a_viewer(browser, color_scheme=scheme, bypass_csp=True) as page:
        for path, choice in (("watch", "ask"), ("watch", "yes"), ("embed", "ask")):
            await page.goto(f"{cinema.origin}/{path}/{cinema.film['id']}")
            await expect(page.locator("media-play-button")).to_be_visible()
            if choice == "yes":
                await page.get_by_role("button", name="Share", exact=True).click()
                await expect(page.get_by_role("switch")).to_be_checked()
            await page.add_script_tag(path=AXE)
            found = await page.evaluate("axe.run().then(({violations}) => violations)")
            told = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
            assert told == [], f"{path}, {choice}"
            await page.evaluate("localStorage.clear()")


async def test_seeking_brings_what_is_needed_there(browser: Browser, cinema: Cinema) -> None:
    async with a_viewer(browser, "yes") as page:
        await page.goto(cinema.page)
        await until_it_plays(page)
        await page.keyboard.press("7")
        await until_it_plays(page, 6, 7.5)
        await page.keyboard.press("0")
        await until_it_plays(page, 0, 1)
        await expect(page.locator(".shares")).to_contain_text("from 1 node")
        text = await shared(page)
        assert share_of(text, "server") + share_of(text, "node") == 100
