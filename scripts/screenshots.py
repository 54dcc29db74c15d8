"""Takes the pictures of the page for the README: real nodes, a real browser.

Run it as `.venv/bin/python -m scripts.screenshots`, after `make test` has installed Chromium.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
from av.filter import Graph
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.clips import camera_clip, make_clip
from tests.nodes import NodeProcess, nodes

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = (720, 560), (360, 720)
UPLOAD_LIMIT = 40_000  # bytes per second: the watched video is still arriving


@dataclass(frozen=True)
class Shot:
    """A picture: which page, in which theme, at which size."""

    name: str
    page: str  # home | search | watch
    scheme: str  # light | dark
    size: tuple[int, int]


SHOTS = (
    Shot("search-dark", "search", "dark", DESKTOP),
    Shot("home-phone-light", "home", "light", PHONE),
    Shot("watch-light", "watch", "light", DESKTOP),  # the first of its kind: it is arriving
    Shot("watch-phone-dark", "watch", "dark", PHONE),
)


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, nodes() as start:
        directory = Path(scratch)
        anna = start(directory / "anna", "--name", "Anna", upload_limit=UPLOAD_LIMIT)
        carl = start(
            directory / "carl", "--name", "Carl", join=anna.peer_id, upload_limit=UPLOAD_LIMIT
        )
        ben = start(directory / "ben", "--name", "Ben", join=anna.peer_id)
        watched = _fill(directory, anna, carl, ben)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=next(path for name in CHROMIUM if (path := shutil.which(name))),
                args=[
                    "--autoplay-policy=no-user-gesture-required",
                    *(["--no-sandbox"] if os.geteuid() == 0 else []),
                ],
            )
            for shot in SHOTS:
                _take(browser, ben, watched, shot)
            browser.close()


def _fill(directory: Path, anna: NodeProcess, carl: NodeProcess, ben: NodeProcess) -> str:
    """Give the nodes videos; returns the id of one that Ben will watch."""
    sources = directory / "sources"
    sources.mkdir()

    def source(name: str, clip: str) -> Path:
        return Path(shutil.copy(camera_clip(clip), sources / name))

    watched: str = anna.add(source("Big Buck Bunny.mp4", "bigbuckbunny.mp4"))["id"]
    anna.add(make_clip(sources / "Holiday in the hills.mkv", seconds=12, picture="gradients"))
    ben.add(source("Bikes in the rain.mp4", "bikes.mp4"))
    carl.find("bunny")
    carl.post(f"videos/{watched}/fetch")
    carl.complete(watched, 600)
    ben.find("bunny")
    return watched


def _take(browser: Browser, node: NodeProcess, watched: str, shot: Shot) -> None:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        bypass_csp=True,  # waiting for a condition in the page needs eval
    )
    page = context.new_page()
    address = f"{node.url}/#/watch/{watched}" if shot.page == "watch" else f"{node.url}/"
    page.goto(address)
    expect(page.locator("#peers li")).not_to_have_count(0)
    if shot.page == "search":
        page.get_by_role("searchbox").fill("bunny")
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator("#results-state")).to_have_text("1 found")
    if shot.page == "watch":
        _play(page)
    page.wait_for_function("[...document.images].every((each) => each.complete)")
    file = IMAGES / f"{shot.name}.png"
    page.screenshot(path=file)
    _shrink(file)
    context.close()


def _play(page: Page) -> None:
    """Wait until it plays, and the line about the swarm is there."""
    page.wait_for_function("document.querySelector('video').currentTime > 1", timeout=60_000)
    expect(page.locator("#watch-swarm")).to_contain_text("connections")
    page.mouse.move(1, 1)


def _shrink(file: Path) -> None:
    """Write the picture with 256 colours, chosen for it: a quarter of the size."""
    with av.open(str(file)) as source:
        frame = next(source.decode(video=0))
    graph = Graph()
    template = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    split, chosen = graph.add("split"), graph.add("palettegen", "max_colors=96")
    used = graph.add("paletteuse", "dither=none")
    template.link_to(split)
    split.link_to(used, 0, 0)
    split.link_to(chosen, 1, 0)
    chosen.link_to(used, 0, 1)
    used.link_to(graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    graph.push(None)
    with av.open(str(file), "w", format="image2pipe") as out:
        stream = out.add_stream("png", options={"compression_level": "9"})
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "pal8"
        reduced = graph.pull()
        assert isinstance(reduced, av.VideoFrame)
        out.mux(stream.encode(reduced))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    main()
