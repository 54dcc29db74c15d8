"""Takes the pictures of the web app for the documents: real nodes, a real browser.

Run it as `.venv/bin/python -m scripts.screenshots`, after `make test` has installed Chromium.
With `--all DIRECTORY` it takes every page in both themes and sizes, to be looked at.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from scripts.picture_format import to_webp
from scripts.sample_videos import birthday, samples
from tests.nodes import NodeProcess, nodes

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}
UPLOAD_LIMIT = 150_000  # bytes per second and holder: the watched video is still arriving
NAMES = ("Anna", "Carl", "Dora", "Emil", "Femke", "Goran")
WATCHED = "Big Buck Bunny"
PIECES_BEFORE = 0.4  # how much of it is here when the picture is taken
# Those below the edge of the window are not loaded.
_POSTERS_ARE_THERE = """[...document.images].every(
    (each) => each.complete || each.getBoundingClientRect().top > innerHeight
)"""


@dataclass(frozen=True, order=True)
class Shot:
    """A picture: which page, at which size, in which theme."""

    page: str  # home | search | watch | library | peers | settings
    size: str  # desktop | phone
    scheme: str  # light | dark

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.page}-{self.size}-{self.scheme}"


KEPT = (
    Shot("home", "desktop", "light"),
    Shot("search", "desktop", "dark"),
    Shot("watch", "desktop", "dark"),
    Shot("library", "desktop", "light"),
    Shot("peers", "desktop", "dark"),
    Shot("home", "phone", "dark"),
    Shot("watch", "phone", "light"),
)
PAGES = ("home", "search", "watch", "library", "peers", "settings")
ALL = (
    *KEPT,
    *sorted({Shot(*each) for each in product(PAGES, SIZES, ("light", "dark"))} - set(KEPT)),
)


class Studio:
    """Ben, whose pages are taken, and his friends."""

    def __init__(self, directory: Path, clips: Path, start: Callable[..., NodeProcess]) -> None:
        self._long = birthday(clips)
        first = start(directory / NAMES[0], "--name", NAMES[0], upload_limit=None)
        self.friends = [first]
        for name in NAMES[1:]:
            # Each joins by the one before: the picture of the network is no star.
            join = self.friends[-1].peer_id
            self.friends.append(
                start(directory / name, "--name", name, join=join, upload_limit=None)
            )
        self.ben = start(directory / "Ben", "--name", "Ben", join=first.peer_id, upload_limit=None)
        self._share(clips)

    def _share(self, clips: Path) -> None:
        owners = [*self.friends, self.ben, self.ben]
        for number, sample in enumerate(samples(clips)):
            added = owners[number % len(owners)].add(sample.path)
            owners[number % len(owners)].api.patch(
                f"videos/{added['id']}", json={"description": sample.description}
            )
            if sample.title == WATCHED:
                self.watched: str = added["id"]
                holders = self.friends[1:3]
        for holder in holders:
            holder.find("bunny")
            holder.post(f"videos/{self.watched}/fetch")
        for holder in holders:
            holder.complete(self.watched)
        for friend in self.friends:
            friend.api.patch("settings", json={"upload_limit": UPLOAD_LIMIT, "limit_lan": True})
        self.ben.post(f"videos/{self.ben.find('sierpinski')['id']}/fetch")

    def take(self, browser: Browser, shot: Shot, directory: Path) -> Path:
        """Take one picture, a PNG."""
        width, height = SIZES[shot.size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if shot.scheme == "dark" else "light",
            is_mobile=shot.size == "phone",
            has_touch=shot.size == "phone",
            bypass_csp=True,  # waiting for a condition in the page needs eval
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        for _ in getattr(self, f"_{shot.page}")(page):
            page.wait_for_function(_POSTERS_ARE_THERE)
            file = directory / f"{shot.name}.png"
            page.screenshot(path=file)
        context.close()
        return file

    def _goto(self, page: Page, place: str) -> None:
        page.goto(f"{self.ben.url}/#/{place}")

    def _home(self, page: Page) -> Iterator[None]:
        self._goto(page, "")
        expect(page.get_by_role("status").first).to_have_text("9 videos")
        yield

    def _search(self, page: Page) -> Iterator[None]:
        self._goto(page, "")
        page.get_by_role("searchbox").fill("in the")
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator(".results h2, .results h3").nth(1)).to_be_visible()
        page.evaluate("document.activeElement.blur()")
        yield

    def _watch(self, page: Page) -> Iterator[None]:
        viewer = self.friends[3]
        for node in (self.ben, viewer):  # none of it is here, whatever was taken before
            node.api.delete(f"videos/{self.watched}", params={"delete_file": True})
            node.find("bunny")
        self._goto(page, f"watch/{self.watched}")
        page.wait_for_function("document.querySelector('video')?.currentTime > 1")
        viewer.post(f"videos/{self.watched}/fetch")
        self.ben.until(
            lambda: self.ben.get(f"videos/{self.watched}"),
            lambda video: video["progress"] > PIECES_BEFORE,
            120,
        )
        expect(page.get_by_role("heading", name="The swarm")).to_be_visible()
        page.mouse.move(1, 1)
        yield

    def _library(self, page: Page) -> Iterator[None]:
        job = self.ben.post("videos", {"path": str(self._long)})
        self._goto(page, "library")
        self.ben.until(
            lambda: self.ben.get(f"jobs/{job['id']}"),
            lambda now: now["progress"] > 0.2 and now["remaining"] is not None,
            120,
        )
        expect(page.get_by_text("Grandma").first).to_be_visible()
        yield
        self.ben.api.delete(f"jobs/{job['id']}")

    def _peers(self, page: Page) -> Iterator[None]:
        self.ben.until(lambda: self.ben.get("peers"), lambda known: len(known) >= len(NAMES))
        self._goto(page, "peers")
        expect(page.get_by_text(NAMES[-1]).first).to_be_visible()
        page.wait_for_function("document.querySelector('canvas') !== null")
        page.wait_for_timeout(3_000)  # the picture of the network comes to rest
        yield

    def _settings(self, page: Page) -> Iterator[None]:
        self._goto(page, "settings")
        expect(page.get_by_role("button", name="Save")).to_be_visible()
        yield


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIRECTORY", help="take every page, there")
    parser.add_argument("--clips", type=Path, metavar="DIRECTORY", help="keep the videos, there")
    parser.add_argument("pages", nargs="*", help="only these pages")
    options = parser.parse_args()
    directory, shots = (options.all, ALL) if options.all else (IMAGES, KEPT)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, nodes() as start, sync_playwright() as player:
        clips = options.clips or Path(scratch) / "Videos"
        clips.mkdir(exist_ok=True)
        studio = Studio(Path(scratch), clips, start)
        browser = player.chromium.launch(
            executable_path=next(path for name in CHROMIUM if (path := shutil.which(name))),
            ignore_default_args=["--hide-scrollbars"],
            args=[
                "--autoplay-policy=no-user-gesture-required",
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
            ],
        )
        for shot in shots:
            if not options.pages or shot.page in options.pages:
                taken = studio.take(browser, shot, directory)
                if not options.all:
                    to_webp(taken)
        browser.close()


if __name__ == "__main__":
    main()
