from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest
from tests.playback.display import close_windows, xvfb
from tests.playback.serving import serving

from p2ptube.playback.content import file_content

TIMEOUT = 30.0
# VLC reads 15 seconds of an MP4 ahead, and of a shorter one it does not tell the time.
LONG = 30

PLAY = """
import sys
from p2ptube.errors import P2PTubeError
from p2ptube.playback.vlc_player import VlcPlayer

player = VlcPlayer(on_time=lambda seconds: print(seconds, flush=True))
try:
    player.play(sys.argv[1], "A clip")
    print("over")
except KeyboardInterrupt:
    print("interrupted")
except P2PTubeError as error:
    print("error", error)
"""


def missing() -> str:
    """Why VLC cannot be tested here, or nothing."""
    if shutil.which("Xvfb") is None:
        return "Xvfb is not installed"
    try:
        import vlc

        instance = vlc.Instance("--quiet")
    except (ImportError, OSError, NotImplementedError, AttributeError, NameError) as error:
        return f"libvlc is not installed: {error}"
    if instance is None:
        return "VLC's plugins are not installed (vlc-plugin-base, vlc-plugin-video-output)"
    instance.release()
    return ""


def has_tk() -> bool:
    """Whether this Python can open windows."""
    try:
        import tkinter
    except ImportError:
        return False
    return bool(tkinter.TkVersion)


MISSING = missing()
NEEDS_TK = pytest.mark.skipif(
    not has_tk(),
    reason="this Python has no Tk, without which libvlc opens a window that cannot be closed",
)
pytestmark = [pytest.mark.vlc, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with xvfb() as display:
        yield display


def make_clip(path: Path, seconds: int) -> None:
    """Write an MP4 of a moving grey at 25 frames a second."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(25 * seconds):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number % 200 + 20]) * plane.buffer_size)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


@contextlib.asynccontextmanager
async def playing(tmp_path: Path, display: str, seconds: int) -> AsyncIterator[Process]:
    """Play a clip of so many seconds from our own HTTP streaming, in a process of its own."""
    path = tmp_path / "clip.mp4"
    make_clip(path, seconds)
    stat = path.stat()
    content = file_content(path, stat.st_size, stat.st_mtime_ns, etag='"e"')
    async with serving({"/v.mp4": content}) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PLAY, f"{url}/v.mp4"),
            stdout=PIPE,
            env={**os.environ, "DISPLAY": display},
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def advance(process: Process, seconds: float) -> None:
    """Wait until the position has advanced to `seconds`."""
    assert process.stdout is not None
    times: list[float] = []
    while not times or times[-1] < seconds:
        line = await asyncio.wait_for(process.stdout.readline(), TIMEOUT)
        times.append(float(line))
    assert times == sorted(times)
    assert times[0] < seconds


async def last_line(process: Process) -> str:
    assert process.stdout is not None
    rest = await asyncio.wait_for(process.stdout.read(), TIMEOUT)
    await asyncio.wait_for(process.wait(), TIMEOUT)
    return rest.decode().splitlines()[-1]


async def test_plays_to_the_end(tmp_path: Path, display: str) -> None:
    async with playing(tmp_path, display, 3) as process:
        assert await last_line(process) == "over"


@NEEDS_TK
async def test_closing_the_window_ends_it(tmp_path: Path, display: str) -> None:
    async with playing(tmp_path, display, LONG) as process:
        await advance(process, 1)
        assert close_windows(display) >= 1
        assert await last_line(process) == "over"


async def test_ctrl_c_ends_it(tmp_path: Path, display: str) -> None:
    async with playing(tmp_path, display, LONG) as process:
        await advance(process, 1)
        process.send_signal(signal.SIGINT)
        assert await last_line(process) == "interrupted"


async def test_what_cannot_be_played(display: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PLAY, "http://127.0.0.1:9/nothing.mp4"),
        stdout=PIPE,
        env={**os.environ, "DISPLAY": display},
    )
    assert await last_line(process) == "error VLC cannot play 'A clip'"
