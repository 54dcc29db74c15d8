"""Sharing by mouse: add, find, fetch, edit and remove, on real nodes."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Page, expect
from tests.browser.app import PATIENCE, Town, record, recorded, search, toast
from tests.clips import make_clip
from tests.interop.classic_client import ClassicPeer
from tests.node.checks import until_is_nothing

pytestmark = pytest.mark.browser

_DRAG = """([name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type}));
    window.dragged = transfer;
    return transfer.files.length;
}"""
_DROP = """(type) => document.querySelector("main").dispatchEvent(new DragEvent(
    type, {bubbles: true, cancelable: true, dataTransfer: window.dragged}))"""


async def drag(page: Page, file: Path, media_type: str) -> None:
    """Drag a file from outside over the page: the browser's own drags need a desktop."""
    data = base64.b64encode(file.read_bytes()).decode()
    assert await page.evaluate(_DRAG, [file.name, media_type, data]) == 1
    await page.evaluate(_DROP, "dragenter")
    await page.evaluate(_DROP, "dragover")


class EndlessDownload(NamedTuple):
    """A file in the web that begins, and never ends."""

    url: str
    asked: asyncio.Event
    given_up: asyncio.Event


@asynccontextmanager
async def endless_download() -> AsyncIterator[EndlessDownload]:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 1000000\r\n\r\n"
        writer.write(head + b"\0" * 1000)
        asked.set()
        await reader.read()  # its end comes when the node closes the connection
        writer.close()
        given_up.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/endless.mp4"
        yield EndlessDownload(url, asked, given_up)


async def added(page: Page, name: str) -> None:
    """Wait until the list says that a file was added.

    For a moment it has two lines: the node tells of its job before it has answered the page.
    """
    lines = page.get_by_role("region", name="Being added").get_by_role("listitem")
    line = lines.filter(has_text=name).filter(has_text="Added, and shared with the network")
    await expect(line).to_be_visible(timeout=PATIENCE)


async def test_add_by_drag_and_drop_shows_its_progress(
    page: Page, town: Town, tmp_path: Path
) -> None:
    film = tmp_path / "dragged otter.avi"
    make_clip(film, seconds=8, video="mpeg4", audio="libmp3lame", bit_rate=1_500_000)
    await page.goto(f"{town.a.url}/")
    await drag(page, film, "video/x-msvideo")
    await expect(page.get_by_text("Drop videos to add them")).to_be_visible()
    await record(page, "section:has(#jobs-title) li:has(progress) p")
    await page.evaluate(_DROP, "drop")
    await expect(page.get_by_text("Drop videos to add them")).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"#/library\?add$"))
    line = page.get_by_role("region", name="Being added").get_by_role("listitem")
    await added(page, "dragged otter")
    # In words, with a bar and a share, from the sending to the conversion.
    said = await recorded(page)
    assert any(re.match(r"Converting for every browser · \d+%", text) for text in said), said
    await expect(page.get_by_role("link", name="dragged otter", exact=True)).to_be_visible()
    await line.get_by_role("link", name="Watch").click()
    await expect(page.get_by_role("heading", name="dragged otter", level=1)).to_be_visible()


async def test_add_by_the_file_picker_and_say_what_is_wrong(
    page: Page, town: Town, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "picked heron.mp4", seconds=3)
    letter, paper = tmp_path / "letter.mp4", tmp_path / "paper.pdf"
    letter.write_text("Dear reader, " * 1000)
    paper.write_bytes(b"%PDF-1.4")
    await page.goto(f"{town.a.url}/")
    await page.get_by_role("link", name="Add", exact=True).click()
    choose = page.get_by_role("button", name="Choose files")
    await expect(choose).to_be_focused()
    # The header's link leads to the panel again, also where it is open already.
    await page.get_by_role("heading", name="Library").click()
    await page.get_by_role("link", name="Add", exact=True).click()
    await expect(choose).to_be_focused()
    async with page.expect_file_chooser() as chooser:
        await choose.click()
    await (await chooser.value).set_files([film, letter, paper])
    await expect(toast(page, "paper.pdf is not a video.")).to_be_visible()
    lines = page.get_by_role("region", name="Being added").get_by_role("listitem")
    await added(page, "picked heron")
    wrong = lines.filter(has_text="letter.mp4")
    await expect(wrong.locator(".problem")).to_have_text(
        re.compile("not a video|cannot be read|no video", re.IGNORECASE), timeout=PATIENCE
    )
    await wrong.get_by_role("button", name="Dismiss").click()
    await expect(wrong).to_have_count(0)

    source = page.get_by_label("Or a path, a web address or a magnet link")
    await source.fill("/no/such/film.mp4")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("there is no file /no/such/film.mp4")


async def test_adding_is_cancelled(page: Page, town: Town) -> None:
    await page.goto(f"{town.a.url}/#/library?add")
    async with endless_download() as download:
        await page.get_by_label("Or a path, a web address or a magnet link").fill(download.url)
        await page.get_by_role("button", name="Add", exact=True).click()
        line = page.get_by_role("listitem").filter(has_text="endless.mp4")
        await asyncio.wait_for(download.asked.wait(), PATIENCE / 1000)
        await expect(line.get_by_role("progressbar")).to_be_visible()
        await line.get_by_role("button", name="Cancel").click()
        await expect(line).to_have_count(0)
        await asyncio.wait_for(download.given_up.wait(), PATIENCE / 1000)
    jobs = await asyncio.to_thread(town.a.get, "jobs")
    assert [job["state"] for job in jobs if "endless" in job["label"]] == ["cancelled"]


async def test_results_appear_as_they_arrive_and_are_fetched(
    page: Page, town: Town, tmp_path: Path
) -> None:
    a, b, _ = town
    video = await asyncio.to_thread(a.add, make_clip(tmp_path / "red fox.mp4", seconds=4))
    # A classic peer may answer until the end: while B waits for it, A's video is shown.
    (tmp_path / "classic").mkdir()
    classic = ClassicPeer(tmp_path / "classic")
    try:
        await asyncio.to_thread(b.post, "peers", {"address": classic.id})
        await page.goto(f"{b.url}/")
        await page.locator("body").press("/")
        await page.keyboard.type("red fox")
        await record(page, "main p[role=status]")
        await page.keyboard.press("Enter")
        result = page.get_by_role("listitem").filter(has_text="red fox")
        await expect(result).to_contain_text("Alice · 1 holder")
        await expect(page.get_by_role("button", name="Search again")).to_be_visible()
        said = await recorded(page)
        assert any(re.match(r"1 video · still searching \d peers…", text) for text in said), said
    finally:
        await asyncio.to_thread(b.delete, f"peers/{classic.id}")
        classic.close()
    await page.get_by_role("button", name="Fetch red fox").click()
    await asyncio.to_thread(b.complete, video["id"])
    await expect(result.locator(".badge")).to_have_text("Here")
    await expect(result).to_contain_text("2 holders")

    await page.get_by_role("link", name="Library").click()
    await expect(page.get_by_role("searchbox")).to_have_value("")
    row = page.get_by_role("listitem").filter(has_text="red fox")
    poster = row.locator("img")
    await expect(poster).to_have_js_property("complete", True)
    assert await poster.evaluate("image => image.naturalWidth") > 0
    await row.get_by_role("button", name="Remove red fox").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("radio", name="The file too")).to_be_checked()
    await expect(dialog).to_contain_text("1 other peer has it")
    await dialog.get_by_role("button", name="Delete the file too").click()
    await expect(row).to_have_count(0)
    await asyncio.to_thread(until_is_nothing, b.data_dir / "videos" / video["id"])


async def test_a_new_title_is_found_by_others(page: Page, town: Town, tmp_path: Path) -> None:
    a, b, _ = town
    await asyncio.to_thread(a.add, make_clip(tmp_path / "working title.mp4", seconds=3))
    await page.goto(f"{a.url}/#/library")
    await page.get_by_role("button", name="Edit working title").click()
    dialog = page.get_by_role("dialog", name="Edit video")
    await expect(dialog.get_by_label("Title")).to_be_focused()
    await dialog.get_by_label("Title").fill("Blue Kingfisher")
    await dialog.get_by_label("Description").fill("By the river.\nIn spring.")
    await dialog.get_by_label("Language").select_option(label="English")
    await dialog.get_by_role("button", name="Save").click()
    await expect(toast(page, "Saved.")).to_be_visible()
    await expect(page.get_by_role("link", name="Blue Kingfisher", exact=True)).to_be_visible()

    await page.goto(f"{b.url}/")
    await search(page, "kingfisher")
    await expect(page.get_by_role("listitem")).to_contain_text("In spring.")
    await page.get_by_role("link", name="Blue Kingfisher", exact=True).click()
    await expect(page.get_by_role("heading", name="Blue Kingfisher", level=1)).to_be_visible()


async def test_remove_asks_whether_the_file_goes_too(
    page: Page, town: Town, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "my party.mp4", seconds=3, faststart=True)
    video = await asyncio.to_thread(town.a.add, film)
    assert video["in_place"]
    await page.goto(f"{town.a.url}/#/library")
    remove = page.get_by_role("button", name="Remove my party")
    dialog = page.get_by_role("dialog", name="Remove this video?")
    await remove.click()
    await expect(dialog.get_by_role("radio", name="Only the listing")).to_be_checked()
    await expect(dialog).to_contain_text(f"Your file stays where it is: {film}")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await remove.click()
    await dialog.get_by_role("button", name="Remove only the listing").click()
    await expect(remove).to_have_count(0)
    assert film.exists()

    # Added again, this time by its path; then away with all of it.
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Or a path, a web address or a magnet link").fill(f"'{film}'")
    await page.get_by_role("button", name="Add", exact=True).click()
    await remove.click()
    await dialog.get_by_role("radio", name="The file too").check()
    await expect(dialog).to_contain_text(f"Your own file is deleted from the disk: {film}")
    await dialog.get_by_role("button", name="Delete the file too").click()
    await expect(remove).to_have_count(0)
    assert not film.exists()
