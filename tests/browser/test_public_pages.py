"""The public pages in a real browser: they play without scripts, in iframes, on every screen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser.conftest import PATIENCE, Faults
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes

from p2ptube.web.listening import LOOPBACK, WebServer

ROOT = Path(__file__).parents[2]
AXE = ROOT / "webui" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> " + "long " * 40

pytestmark = pytest.mark.browser


class Public(NamedTuple):
    """A node with a public port, where that is, and a video of it."""

    node: NodeProcess
    url: str
    video: dict[str, Any]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Public]:
    folder = tmp_path_factory.mktemp("public")
    with nodes() as start:
        node = start(folder / "node", "--name", "Ada", "--public-port", "0")
        path = make_clip(folder / "clip.mp4", seconds=4, size=(320, 180), faststart=True)
        video = node.add(path)
        changes = {"title": HOSTILE, "description": f"One\n\ntwo {HOSTILE}"}
        assert node.api.patch(f"videos/{video['id']}", json=changes).is_success
        yield Public(node, f"http://127.0.0.1:{node.info['ports']['public']}", video)


async def plays(page: Page) -> None:
    """Press play, and wait until pictures move. Timers of a page without scripts do not run."""
    video = page.locator("video")
    await video.evaluate("video => { video.muted = true; video.play(); }")
    async with asyncio.timeout(PATIENCE / 1000):
        while not await video.evaluate("video => video.currentTime > 0.2"):
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def blog(body: str) -> AsyncIterator[str]:
    """A page of another origin, on this machine: a browser keeps others from frames of it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        text = f"<!doctype html><title>A blog</title>{body}"
        await send({"type": "http.response.body", "body": text.encode()})

    server = WebServer(LOOPBACK, 0, "--web-port")
    await server.start(app)
    yield f"http://{LOOPBACK}:{server.port}/"
    await server.stop()


async def test_a_video_plays_without_scripts(public: Public, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(public.url)
    await page.get_by_role("link", name="</script>").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("</script><script>alert(1)")
    # Playwright itself may look at the page where the page's own scripts are off.
    await plays(page)
    await context.close()


async def test_another_page_shows_the_player(public: Public, page: Page) -> None:
    async with blog(await embed_code(page, public)) as url:
        await page.goto(url)
        frame = page.frame_locator("iframe")
        await expect(frame.locator("video")).to_be_attached()
        await expect(frame.get_by_role("link", name="</script>")).to_have_count(1)
        await page.goto("about:blank")


async def embed_code(page: Page, public: Public) -> str:
    await page.goto(f"{public.url}/watch/{public.video['id']}")
    return await page.get_by_label("To show it in another page").input_value()


async def test_a_watch_page_cannot_be_framed(public: Public, page: Page, faults: Faults) -> None:
    frame = f'<iframe src="{public.url}/watch/{public.video["id"]}"></iframe>'
    async with blog(frame) as url:
        async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            await page.goto(url)
        await page.goto("about:blank")
    faults.clear()  # it was the one that was asked for


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(public: Public, browser: Browser, scheme: Any) -> None:
    context = await browser.new_context(color_scheme=scheme, bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    video = public.video["id"]
    for path in ("/", f"/watch/{video}", f"/embed/{video}", "/?q=nothing", "/index"):
        await page.goto(public.url + path)
        await page.add_script_tag(path=AXE)
        found = await page.evaluate(
            """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
                (each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`)"""
        )
        assert found == [], path
    await context.close()


@pytest.mark.parametrize("width", [320, 360, 800, 3840])
async def test_pages_fit_the_screen(
    public: Public, browser: Browser, width: int, faults: Faults
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    faults.watch(page)
    for path in ("/", f"/watch/{public.video['id']}", f"/embed/{public.video['id']}", "/index"):
        await page.goto(public.url + path)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
    await context.close()
    assert faults == []


async def test_share_gives_the_link_and_the_code(public: Public, page: Page) -> None:
    video = public.video["id"]
    await page.goto(f"{public.node.url}/#/watch/{video}")
    await page.get_by_role("button", name="Share", exact=True).click()
    link = page.get_by_label("Link for anyone")
    await expect(link).to_have_value(f"{public.url}/watch/{video}")
    code = page.get_by_label("Code for another web page")
    shown = await code.input_value()
    assert f'src="{public.url}/embed/{video}"' in shown
    assert "<script" not in shown
    await page.goto(await link.input_value())
    await expect(page.get_by_role("heading", level=1)).to_contain_text("</script>")
