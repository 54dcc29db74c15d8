"""A stranger's torrent of several videos: one after the other is chosen on the watch page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import pytest
from playwright.async_api import Locator, Page, Route, expect
from tests.browser.app import AXE, until, until_it_plays, violations_on
from tests.clips import make_clip
from tests.node.torrents import Stranger, stranger
from tests.nodes import NodeProcess, nodes
from tests.subtitles import srt

pytestmark = pytest.mark.browser

# The second one is the larger: it plays where nobody chooses. The tenth is behind it by name.
SECONDS = {"Show.E01.mp4": 40, "Show.E02.mp4": 60, "Show.E10.mp4": 3}
PIECE = 16 * 1024


class Series(NamedTuple):
    node: NodeProcess
    shared: Stranger


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Series]:
    """A node, and a series of three short episodes that a stranger shares."""
    folder = tmp_path_factory.mktemp("series") / "Show"
    folder.mkdir()
    for name, seconds in SECONDS.items():
        size = (320, 180)
        make_clip(
            folder / name, seconds=seconds, size=size, fps=12, bit_rate=90_000, faststart=True
        )
    (folder / "Show.E01.en.srt").write_text(srt("Hello"))
    (folder / "Show.E02.en.srt").write_text(srt("Good morning"))
    with stranger(folder, piece=PIECE) as shared, nodes() as start:
        node = start(folder.parent / "n")
        node.post("videos/resolve", {"target": shared.magnet})
        yield Series(node, shared)


def episode(page: Page, name: str) -> Locator:
    videos = page.get_by_role("listbox", name="In this torrent")
    return videos.get_by_role("option", name=re.compile(name))


async def until_it_is(page: Page, name: str) -> None:
    """Wait until an episode plays, by what is chosen, its title, and how long it is."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(name.replace(".", " "))
    await expect(page).to_have_title(f"{name.replace('.', ' ')} · p2ptube")
    await expect(episode(page, name.replace(".", " "))).to_have_attribute("aria-selected", "true")
    seconds = SECONDS[f"{name}.mp4"]
    await until(page, f"Math.abs(video.duration - {seconds}) < 1")


SAID = """[...video.textTracks].filter((track) => track.mode === "showing")
    .flatMap((track) => [...(track.cues ?? [])].map((cue) => cue.text)).join()"""


async def until_it_says(page: Page, text: str) -> None:
    """Wait until these are the captions that are shown."""
    await until(page, f"{SAID} === '{text}'")


async def test_an_episode_after_the_other(page: Page, series: Series) -> None:
    node, shared = series
    await page.goto(f"{node.url}/#/watch/{shared.id}")
    await until_it_plays(page)
    await until_it_is(page, "Show.E02")
    await expect(page.get_by_role("option")).to_have_count(3)
    await asyncio.to_thread(node.complete, shared.id)
    await page.get_by_role("button", name="Captions").click()
    await until_it_says(page, "Good morning")
    await page.keyboard.press("5")
    await until_it_plays(page, 30)

    # By mouse. Captions stay on; they are its own.
    await episode(page, "E01").click()
    await until_it_is(page, "Show.E01")
    await until_it_plays(page)
    await until_it_says(page, "Hello")
    swarm = page.get_by_role("region", name="The swarm")
    size = (await asyncio.to_thread(node.complete, shared.id))["size"]
    pieces = swarm.get_by_text(re.compile(r"^All \d+ pieces are here\.$"))
    count = int((await pieces.inner_text()).split()[1])
    assert 0 <= count - size / PIECE < 2  # its own, and not those of the whole torrent
    await expect(episode(page, "E02")).to_contain_text("· here")

    # By keyboard: each goes on where it was left.
    await episode(page, "E01").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await until_it_is(page, "Show.E02")
    await until_it_plays(page, 30)
    await page.keyboard.press("Shift+N")
    await until_it_is(page, "Show.E10")
    await until_it_plays(page, to_second=0.2)
    # Nothing follows by itself, and there is no next one.
    await until(page, "video.ended")
    await expect(page.get_by_role("button", name="Next:")).to_have_count(0)


async def test_the_next_one_is_offered_at_the_end(page: Page, series: Series) -> None:
    node, shared = series
    await asyncio.to_thread(node.post, f"videos/{shared.id}/fetch", {"file": "E01"})
    await asyncio.to_thread(node.complete, shared.id)
    await page.goto(f"{node.url}/#/watch/{shared.id}")
    await until_it_plays(page)
    await page.keyboard.press("f")
    await page.keyboard.press("End")
    following = page.get_by_role("button", name="Next: Show E02")
    await expect(following).to_be_visible()

    # It cannot be had: what is there stays, and says why.
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json={"title": "No holder", "detail": "nobody answers"})

    await page.route("**/fetch", refuse)
    await following.click()
    failed = page.get_by_role("group", name="Video player").get_by_text("nobody answers")
    await expect(failed).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Show E01")
    await page.unroute("**/fetch")
    await following.click()
    await until_it_is(page, "Show.E02")
    await until_it_plays(page)
    # The screen stays full.
    assert await page.evaluate("document.fullscreenElement?.id") == "player"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_list(
    page: Page, series: Series, theme: Literal["light", "dark"]
) -> None:
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await page.add_init_script(path=AXE)
    await page.goto(f"{series.node.url}/#/watch/{series.shared.id}")
    await expect(episode(page, "E01")).to_be_visible()
    for width in (1280, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await violations_on(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
