"""What the tests of the app have in common: its player, and what is seen only for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Locator, Page, expect
from tests.clips import ROOT, make_clip
from tests.nodes import NodeProcess, acquainted, nodes

PATIENCE = 60_000  # milliseconds
# Not with each frame, as Playwright would: a browser that is behind makes none.
LOOK_MS = 100
AXE = ROOT / "webui" / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=40_000)

WALK_SECONDS = 60


class Town(NamedTuple):
    """Two nodes that know each other. Alice has a film of a minute, "the walk"."""

    a: NodeProcess
    b: NodeProcess
    walk: dict[str, Any]


def walk_clip(path: Path) -> Path:
    """A film of a minute that is shared as it is."""
    return make_clip(
        path, seconds=WALK_SECONDS, size=(320, 180), fps=12, bit_rate=150_000, faststart=True
    )


@contextmanager
def a_town(folder: Path) -> Iterator[Town]:
    """Start the two nodes."""
    with nodes() as start:
        a = start(folder / "a", "--name", "Alice")
        b = start(folder / "b", "--name", "Bob", join=a.peer_id)
        walk = a.add(walk_clip(folder / "the walk.mp4"))
        acquainted(a, b)
        yield Town(a, b, walk)


# Keeps every text that matching elements ever had. What a quick machine shows for an instant only
# counts as shown, without a test that has to look at the right time.
_RECORDER = """(selector) => {
    const seen = (window.seenTexts = new Set());
    const look = () => {
        for (const element of document.querySelectorAll(selector)) {
            seen.add(element.textContent.replace(/\\s+/g, " ").trim());
        }
    };
    new MutationObserver(look).observe(document.body,
        {subtree: true, childList: true, characterData: true, attributes: true});
    look();
}"""


async def record(page: Page, selector: str) -> None:
    """From now on remember the texts of what matches a CSS selector; `recorded` tells them."""
    await page.evaluate(_RECORDER, selector)


async def recorded(page: Page) -> list[str]:
    texts: list[str] = await page.evaluate("[...window.seenTexts]")
    return texts


async def until_it_plays(
    page: Page, from_second: float = 0, to_second: float | None = None
) -> None:
    """Wait until pictures move on, beyond `to_second`, with the next one at hand."""
    await page.wait_for_function(
        """([from, to]) => {
            const video = document.querySelector("video");
            return video && !video.seeking && video.readyState >= 3
                && video.currentTime > to && video.currentTime >= from
                && video.getVideoPlaybackQuality().totalVideoFrames > 5;
        }""",
        arg=[from_second, from_second + 1 if to_second is None else to_second],
        timeout=PATIENCE,
        polling=LOOK_MS,
    )


async def search(page: Page, text: str) -> None:
    """Type into the header's box and press its button."""
    await page.get_by_role("searchbox", name="Search the network").fill(text)
    await page.get_by_role("button", name="Search", exact=True).click()


def toast(page: Page, text: str) -> Locator:
    return page.locator(".toast").filter(has_text=text)


def of_video(expression: str) -> str:
    """A function of the page that tells something about `video`, the player's element."""
    return f"() => {{ const video = document.querySelector('video'); return {expression}; }}"


async def told(page: Page, expression: str) -> Any:
    """What an expression tells about the player's `video`."""
    return await page.evaluate(of_video(expression))


async def until(page: Page, expression: str) -> None:
    """Wait until an expression about the player's `video` is true."""
    await page.wait_for_function(of_video(expression), polling=LOOK_MS)


# Each with the elements where it is, and in words what is wrong with them.
_VIOLATIONS = """async () => {
    const { violations } = await axe.run(document, {resultTypes: ["violations"]});
    const of = ({html, failureSummary}) => [html.slice(0, 300), failureSummary];
    return violations.map(({id, nodes}) => [id, nodes.map(of)]);
}"""


async def violations_on(page: Page) -> list[Any]:
    """What axe, which the page has loaded from AXE, finds wrong with it."""
    found: list[Any] = await page.evaluate(_VIOLATIONS)
    return found
