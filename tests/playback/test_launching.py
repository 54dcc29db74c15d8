"""A player in a process of its own, on a real screen (Xvfb)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.playback.display import close_windows, xvfb
from tests.playback.serving import serving
from tests.playback.test_vlc import LONG, MISSING, make_clip

from p2ptube.playback.content import file_content
from p2ptube.playback.launching import open_player

SECONDS = 30.0

pytestmark = [pytest.mark.vlc, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with xvfb() as display:
        monkeypatch.setenv("DISPLAY", display)
        yield display


def players() -> list[threading.Thread]:
    """The threads that wait for the processes of players."""
    return [thread for thread in threading.enumerate() if thread.name == "player vlc"]


async def close_it(display: str) -> None:
    """Close the player's window once it is there; only looking tells when."""
    async with asyncio.timeout(SECONDS):
        while any(thread.is_alive() for thread in players()):
            close_windows(display)
            await asyncio.sleep(0.1)


async def test_vlc_opens_plays_and_is_gone_when_closed(tmp_path: Path, screen: str) -> None:
    pytest.importorskip("tkinter", reason="without Tk, libvlc opens a window that cannot close")
    path = tmp_path / "clip.mp4"
    make_clip(path, LONG)
    stat = path.stat()
    content = file_content(path, stat.st_size, stat.st_mtime_ns, etag='"e"')
    async with serving({"/v.mp4": content}) as url:
        await open_player("vlc", f"{url}/v.mp4", "A clip")
        assert len(players()) == 1  # it was waited for until it was ready, and not until its end
        await close_it(screen)
    assert players() == []


async def test_what_cannot_be_played_is_logged(
    screen: str, caplog: pytest.LogCaptureFixture
) -> None:
    await open_player("vlc", "http://127.0.0.1:9/nothing.mp4", "A clip")
    (waiting,) = players()
    await asyncio.to_thread(waiting.join, SECONDS)
    assert "VLC cannot play 'A clip'" in caplog.text
