"""Real players, playing what is still arriving from another peer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.node.torrents import stranger
from tests.nodes import NodeProcess, nodes
from tests.playback.display import close_windows, xvfb
from tests.playback.test_vlc import MISSING, NEEDS_TK
from tests.subtitles import srt

from p2ptube.web.guards import capability

TIMEOUT = 60.0
SECONDS = 30  # VLC reads 15 seconds of an MP4 ahead, and of a shorter one it does not tell the time
RATE = 130_000  # bytes/s: what comes is played faster than it comes

# Prints the times that libvlc tells, and the subtitles that it has; a line of stdin is a time to
# seek to, in seconds. Without Tk, libvlc opens a window of its own.
VLC = """
import sys, threading
if sys.argv[1] == "VLC's":
    sys.modules["tkinter"] = None  # as if there were none
import vlc
from p2ptube.playback.subtitles import Subtitles
from p2ptube.playback.vlc_player import VlcPlayer

made = vlc.Instance.media_player_new
players = []

def media_player_new(instance, *arguments):
    players.append(made(instance, *arguments))
    return players[-1]

def obey():
    for line in sys.stdin:
        print("subtitles", *(name.decode() for _, name in players[0].video_get_spu_description()))
        players[0].set_time(int(float(line) * 1000))

vlc.Instance.media_player_new = media_player_new
threading.Thread(target=obey, daemon=True).start()
player = VlcPlayer(on_time=lambda seconds: print("at", seconds, flush=True))
try:
    player.play(sys.argv[2], "A clip", Subtitles(tuple(sys.argv[3:]), shown=True))
    print("over")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "A long heron.mp4"
    options = {"g": "25"}
    return make_clip(path, seconds=SECONDS, size=(320, 180), faststart=True, video_options=options)


@contextlib.contextmanager
def arriving(clip: Path, tmp_path: Path) -> Iterator[tuple[NodeProcess, str]]:
    """A node at which a video arrives slowly from another, and the video's id."""
    with nodes() as start:
        a = start(tmp_path / "a", upload_limit=RATE)
        video_id = a.add(clip)["id"]
        b = start(tmp_path / "b", join=a.peer_id)
        b.find("heron")
        yield b, video_id


async def line_of(process: Process, wanted: Callable[[str], bool]) -> str:
    """Wait for the next line that is wanted."""
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT):
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, "the player has ended"
            if wanted(line):
                return line


async def position(process: Process, least: float, below: float = SECONDS) -> float:
    """Wait until the position is within these seconds."""

    def reached(line: str) -> bool:
        word, *rest = line.split()
        return word == "at" and least <= float(rest[0]) <= below

    return float((await line_of(process, reached)).split()[1])


async def play_and_seek(process: Process, node: NodeProcess, video_id: str) -> None:
    """Let VLC play what is still arriving, and seek in it: the times that it tells increase."""
    assert process.stdin is not None
    first = await position(process, 0.1)
    assert await position(process, first + 0.5) > first
    assert node.get(f"videos/{video_id}")["state"] == "fetching"
    process.stdin.write(b"20\n")
    told = await line_of(process, lambda line: line.startswith("subtitles"))
    assert "own" in told or "Track" in told
    after = await position(process, 20)
    assert await position(process, after + 0.5) > after


@pytest.mark.vlc
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("window", ["VLC's", pytest.param("ours", marks=NEEDS_TK)])
async def test_vlc_plays_and_seeks(clip: Path, tmp_path: Path, window: str) -> None:
    subtitles = tmp_path / "own.srt"
    subtitles.write_text(srt("Hello"))
    with xvfb() as display, arriving(clip, tmp_path) as (node, video_id):
        token = node.info["token"]
        url = f"{node.url}/stream/{video_id}?token={capability(token, video_id)}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", VLC, window, url, str(subtitles)),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "DISPLAY": display},
        )
        try:
            await play_and_seek(process, node, video_id)
            assert close_windows(display) >= 1
            if window == "ours":
                await line_of(process, lambda line: line == "over\n")
            else:  # its close button does nothing
                process.send_signal(signal.SIGINT)
                await line_of(process, lambda line: line == "interrupted\n")
            assert await asyncio.wait_for(process.wait(), TIMEOUT) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Mpv:
    """mpv's own channel for commands (JSON IPC), on a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    async def ask(self, *command: Any) -> Any:
        """Give a command, and return what it answers."""
        self._number += 1
        request = {"command": command, "request_id": self._number}
        self._writer.write(json.dumps(request).encode() + b"\n")
        answer = await self._next(lambda m: m.get("request_id") == self._number)
        assert answer["error"] == "success", answer
        return answer.get("data")

    async def position(self, least: float) -> float:
        """Wait until it says that it is there."""
        at = await self._next(
            lambda m: m.get("name") == "time-pos" and (m.get("data") or -1.0) >= least
        )
        return float(at["data"])

    async def _next(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT):
            while True:
                line = await self._reader.readline()
                assert line, "mpv has ended"
                message: dict[str, Any] = json.loads(line)
                if wanted(message):
                    return message


@contextlib.asynccontextmanager
async def mpv_at(socket: Path) -> AsyncIterator[Mpv]:
    """Connect, once mpv listens; only trying tells when."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(socket)
                break
            except OSError:
                await asyncio.sleep(0.05)
    try:
        yield Mpv(reader, writer)
    finally:
        writer.close()


@pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")
async def test_watch_with_mpv_what_a_stranger_shares(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Film"
    folder.mkdir()
    shutil.copy(clip, folder / "Film.mp4")
    shutil.copy(clip, folder / "Sample.mp4")
    os.truncate(folder / "Sample.mp4", 100_000)
    (folder / "Film.de.srt").write_text(srt("Grüße"))
    (folder / "Film.en.srt").write_text(srt("Hello"))
    home, channel = tmp_path / "mpv", tmp_path / "channel"
    home.mkdir()
    (home / "mpv.conf").write_text(f"vo=null\nao=null\ninput-ipc-server={channel}\n")
    with stranger(folder, rate=RATE) as shared:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "p2ptube", "--no-dht", "--no-lan", "--host", "127.0.0.1"),
            *("watch", shared.magnet, "--player", "mpv", "--subtitles", "de", "--no-keep"),
            *("--data-dir", str(tmp_path / "node")),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "MPV_HOME": str(home)},
        )
        try:
            async with mpv_at(channel) as mpv:
                await mpv.ask("observe_property", 1, "time-pos")
                first = await mpv.position(0.1)
                tracks = await mpv.ask("get_property", "track-list")
                external = [track for track in tracks if track.get("external")]
                assert [(track["type"], track["selected"]) for track in external] == [("sub", True)]
                assert await mpv.ask("get_property", "media-title") == "Film"
                await mpv.ask("seek", 20, "absolute")
                after = await mpv.position(20)
                assert await mpv.position(after + 0.2) > after > first
                await mpv.ask("quit")
            out, errors = await asyncio.wait_for(process.communicate(), TIMEOUT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        assert process.returncode == 0, errors
        assert out.decode().count("\n") == 1
        assert b"/stream/" in out
        assert list((tmp_path / "node" / "videos").glob("*/*")) == []
