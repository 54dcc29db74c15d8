"""The app as a whole: restarts, hostile texts, accessibility, and what the first page weighs."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser.app import AXE, PATIENCE, Town, until_it_plays, violations_on, walk_clip
from tests.clips import ROOT, make_clip
from tests.nodes import NodeProcess, nodes
from tests.web.fakes import VIDEO_ID, FakeNode, a_video

pytestmark = pytest.mark.browser

STATIC = ROOT / "src" / "p2ptube" / "web" / "static"
MOST_SCRIPT_BYTES = 120 * 1024  # compressed

MARKUP = "<img src=x onerror=alert(1)>"
# Hebrew and Arabic after marks that turn the direction and are never closed.
HEBREW = "\u05ea\u05de\u05d5\u05e0\u05d4"
RIGHT_TO_LEFT = f"\u202e{HEBREW} \u2067\u0628\u062d\u0631"
HOSTILE_TITLE = f"otter {MARKUP} {RIGHT_TO_LEFT} ".ljust(500, "W")  # the longest that there may be
HOSTILE_DESCRIPTION = f"{RIGHT_TO_LEFT}\n<script>alert(1)</script>\n{MARKUP} ".ljust(10_000, "W")
HOSTILE_NAME = f"{MARKUP} {HEBREW}"  # a name has no such marks


@pytest.fixture(scope="module")
def hostile(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A peer whose name and video are full of markup and of marks that turn the direction."""
    folder = tmp_path_factory.mktemp("hostile")
    with nodes() as start:
        node = start(folder / "h", "--name", HOSTILE_NAME, join=town.a.peer_id)
        video = node.add(make_clip(folder / "otter.mp4", seconds=2, faststart=True))
        changes = {"title": HOSTILE_TITLE, "description": HOSTILE_DESCRIPTION}
        answer = node.api.patch(f"videos/{video['id']}", json=changes)
        assert answer.is_success, answer.text
        town.b.find("otter")
        yield node


async def shown(page: Page, url: str, name: str, video_id: str) -> None:
    """Go to a page of the app and wait until what it is about is there."""
    hashes = {"watch": f"watch/{video_id}", "search": "search?q=", "library": "library?add"}
    await page.goto(f"{url}/#/{hashes.get(name, name)}")
    there = {
        "": page.locator("main ul a.video").first,
        "search": page.get_by_role("button", name="Search again"),
        "watch": page.get_by_role("region", name="The swarm"),
        "library": page.get_by_role("button", name="Choose files"),
        "peers": page.get_by_role("region", name="The network").locator("canvas").first,
        "settings": page.get_by_role("button", name="Save"),
    }
    await expect(there[name]).to_be_visible()


PAGES = ("", "search", "watch", "library", "peers", "settings")


async def test_a_node_is_restarted_under_an_open_page(page: Page, tmp_path: Path) -> None:
    with nodes() as start:
        node = await asyncio.to_thread(start, tmp_path / "n", "--name", "Nora")
        video = await asyncio.to_thread(node.add, walk_clip(tmp_path / "the walk.mp4"))
        node.restart_flags()
        await page.goto(f"{node.url}/#/watch/{video['id']}")
        await until_it_plays(page)
        await asyncio.to_thread(node.stop)
        away = page.get_by_role("alert").filter(has_text="The node does not answer.")
        await expect(away).to_be_visible()
        await asyncio.to_thread(node.start)
        await expect(away).to_have_count(0)
        # The events flow again, and so does the video, beyond what was buffered.
        answer = await asyncio.to_thread(
            node.api.patch, f"videos/{video['id']}", json={"title": "After the restart"}
        )
        assert answer.is_success, answer.text
        await expect(page.get_by_role("heading", level=1)).to_have_text("After the restart")
        await page.keyboard.press("9")
        await until_it_plays(page, 53, 55)
        await page.get_by_role("link", name="Library").click()
        await expect(page.get_by_role("link", name="After the restart", exact=True)).to_be_visible()


async def assert_inert(page: Page) -> None:
    assert await page.locator("img[src=x]").count() == 0
    assert await page.locator("main script, main bdi img").count() == 0
    # Nothing is pushed out of the page, however long it is.
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_text_from_the_network_is_inert(page: Page, town: Town, hostile: NodeProcess) -> None:
    (video,) = (each for each in hostile.get("videos"))
    for width in (1280, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        for name in PAGES:
            await shown(page, town.b.url, name, video["id"])
            if name in {"", "search"}:
                await expect(page.get_by_role("heading").filter(has_text=MARKUP)).to_be_visible()
            await assert_inert(page)
        await shown(page, town.b.url, "watch", video["id"])
        await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_TITLE.strip())
        await page.get_by_role("button", name="Show more").click()
        await assert_inert(page)
        await shown(page, hostile.url, "library", video["id"])
        await page.get_by_role("button", name=re.compile("^Remove otter")).click()
        await expect(page.get_by_role("dialog")).to_contain_text(MARKUP)
        await assert_inert(page)


async def test_the_six_actions_have_their_names(page: Page, town: Town) -> None:
    a, b = town.a, town.b
    await page.goto(f"{b.url}/")
    await expect(page.get_by_role("link", name="Add", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Search", exact=True).focus()
    await page.get_by_role("searchbox").fill("walk")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=re.compile("^Fetch the walk"))).to_be_visible()
    await page.goto(f"{a.url}/#/watch/{town.walk['id']}")
    await expect(page.get_by_role("button", name="Remove", exact=True)).to_be_visible()
    await page.goto(f"{b.url}/#/peers")
    for name in ("Add", "Refresh", "Rebuild", "Remove Alice"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_enabled()


async def test_nothing_is_written_to_the_console(page: Page, town: Town) -> None:
    # Failed requests, too, which the fixture leaves to the tests that cause them.
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    for name in PAGES:
        await shown(page, town.a.url, name, town.walk["id"])
    assert said == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing(
    browser: Browser, town: Town, theme: Literal["light", "dark"], width: int
) -> None:
    # Axe comes by the debugger, which the policy of the page does not bind.
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(path=AXE)
    page = await context.new_page()
    found: dict[str, Any] = {}
    for name in PAGES:
        # Alice's library has a video, Bob's search and home have those of others.
        node = town.a if name in {"library", "watch"} else town.b
        await shown(page, node.url, name, town.walk["id"])
        assert await page.locator("html").get_attribute("data-theme") == theme
        # Colours on their way from one theme to the other are not those that people see.
        assert await page.evaluate("getComputedStyle(document.body).transitionDuration") == "0s"
        if violations := await violations_on(page):
            found[name or "home"] = violations
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    await context.close()
    assert found == {}


def loaded_with(script: Path, seen: set[Path]) -> None:
    """Collect a module and all that it imports at once."""
    if script in seen:
        return
    seen.add(script)
    for name in re.findall(r"""\b(?:from|import)\s*["']\./([\w.-]+\.js)["']""", script.read_text()):
        loaded_with(script.parent / name, seen)


def test_the_scripts_of_the_first_page_are_light() -> None:
    index = (STATIC / "index.html").read_text()
    scripts: set[Path] = set()
    for name in re.findall(r'(?:src|href)="/static/(assets/[\w.-]+\.js)"', index):
        loaded_with(STATIC / name, scripts)
    assert scripts
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < MOST_SCRIPT_BYTES


async def test_a_page_of_another_local_server_cannot_use_the_node(
    page: Page, site: tuple[FakeNode, str]
) -> None:
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
        await expect(page.get_by_role("link", name="A clip")).to_be_visible()
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
