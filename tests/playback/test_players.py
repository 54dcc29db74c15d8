from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from p2ptube.errors import InvalidInput, MediaError
from p2ptube.playback.players import play

URL = "http://127.0.0.1:9/stream/x"


def fake_mpv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    program = tmp_path / "mpv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "arguments"


def test_unknown_player() -> None:
    with pytest.raises(InvalidInput, match="browser, vlc, mpv, none"):
        play("realplayer", URL, "T")


def test_none() -> None:
    play("none", URL, "T")


def test_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return len(opened) == 1

    monkeypatch.setattr(webbrowser, "open", open_page)
    play("browser", URL, "T")
    assert opened == [URL]
    with pytest.raises(InvalidInput, match=URL):
        play("browser", URL, "T")


def test_mpv_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="mpv is not installed"):
        play("mpv", URL, "T")


def test_mpv_gets_the_url_and_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = fake_mpv(tmp_path, monkeypatch, f'printf "%s\\n" "$@" > {tmp_path}/arguments')
    play("mpv", "--evil=1", "A title")
    lines = arguments.read_text().splitlines()
    assert "--force-media-title=A title" in lines
    assert lines[-2:] == ["--", "--evil=1"]


def test_mpv_cannot_play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_mpv(tmp_path, monkeypatch, "exit 2")
    with pytest.raises(MediaError, match="exit status 2"):
        play("mpv", URL, "T")


def test_ctrl_c_ends_mpv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_mpv(tmp_path, monkeypatch, "exec sleep 60")
    started: list[subprocess.Popen[bytes]] = []
    wait = subprocess.Popen.wait

    def interrupted_wait(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if not started:
            started.append(process)
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted_wait)
    with pytest.raises(KeyboardInterrupt):
        play("mpv", URL, "T")
    assert started[0].returncode == -signal.SIGTERM


def test_ctrl_c_while_a_player_is_started_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_mpv(tmp_path, monkeypatch, "exec sleep 60")
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)  # nobody else knows the process yet

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            play("mpv", URL, "T")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)
    assert started[0].returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("raise ModuleNotFoundError('vlc')", r"p2ptube\[vlc\]"),
        ("raise OSError('libvlc.so.5: cannot open')", "VLC is not installed"),
        ("raise NotImplementedError('no libvlc')", "VLC is not installed"),
        ("def Instance(*a): return None", "plugins"),
    ],
)
def test_vlc_is_missing(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "vlc.py").write_text(content)
    script = (
        "from p2ptube.errors import InvalidInput\n"
        "from p2ptube.playback.players import play\n"
        f"try: play('vlc', {URL!r}, 'T')\n"
        "except InvalidInput as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop("DISPLAY", None)
    answer = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert re.search(words, answer.stdout), answer.stdout
    assert answer.stdout.count("\n") == 1
