"""`p2ptube watch` of torrents with several files, and what a person sees at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.torrents import Stranger, stranger
from tests.web.fakes import VIDEO_ID, FakeNode, a_video
from typer.testing import CliRunner, Result

from p2ptube.cli.app import app
from p2ptube.cli.choosing import matching, named_file

SECONDS = 60.0
CSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Stranger]:
    """Two files that are called videos, as they are listed and chosen by their names."""
    folder = tmp_path / "Show"
    folder.mkdir()
    (folder / "E1.mp4").write_bytes(os.urandom(300_000))
    (folder / "E2.mp4").write_bytes(os.urandom(200_000))
    (folder / "E2.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    with stranger(folder, rate=150_000) as shared:
        yield shared


def command(tmp_path: Path, *arguments: str) -> list[str]:
    node = ("--no-dht", "--no-lan", "--host", "127.0.0.1", "--data-dir", str(tmp_path / "node"))
    return [sys.executable, "-m", "p2ptube", *node, "watch", *arguments]


def test_the_files_are_listed(series: Stranger, tmp_path: Path) -> None:
    listed = subprocess.run(
        command(tmp_path, series.magnet, "--list"), capture_output=True, text=True, check=True
    )
    assert [line.split("\t") for line in listed.stdout.splitlines()] == [
        ["1", "video", "300 kB", "", "Show/E1.mp4"],
        ["2", "subtitles", "38 B", "en", "Show/E2.en.srt"],
        ["3", "video", "200 kB", "", "Show/E2.mp4"],
    ]
    assert listed.stderr == ""


def test_the_files_as_json(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video()
    listed = call("watch", VIDEO_ID, "--list", "--json", "--data-dir", tmp_path)
    (file,) = json.loads(listed.stdout)
    assert (file["index"], file["path"], file["kind"]) == (0, "clip.mp4", "video")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--player", "nonsuch-player"], "nonsuch-player"),
        (["--player", "'"], "not a command"),
        (["--player", ""], "no such player"),
        (["--player", "none", "--subtitles", "en"], "VLC and mpv"),
        (["--web-port", "70000"], "web-port"),
    ],
)
def test_wrong_usage(options: list[str], words: str, tmp_path: Path) -> None:
    result = call("watch", VIDEO_ID, *options, "--data-dir", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_what_cannot_be_had(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video()
    for options, words in (
        (["--player", "true", "--web-port", "1"], "a node is running"),
        (["--player", "mpv", "--subtitles", "no/such.srt"], "no such file"),
        (["--player", "mpv", "--subtitles", "fr"], "no subtitles in 'fr'"),
        (["--player", "false"], "exit status 1"),
    ):
        result = call("watch", VIDEO_ID, *options, "--data-dir", tmp_path)
        assert result.exit_code == 1, (options, result.output)
        assert words in result.stderr.splitlines()[-1]


def test_any_program_gets_the_url(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video()
    got, program = tmp_path / "got", tmp_path / "a player"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{got}"\n')
    program.chmod(0o755)
    player = f"'{program}' --fast '$HOME; id'"
    result = call("watch", VIDEO_ID, "--player", player, "--data-dir", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert got.read_text().splitlines() == ["--fast", "$HOME; id", result.stdout.strip()]


def test_a_file_by_its_number_or_name() -> None:
    assert [named_file(text) for text in (None, "1", "12", "0", "E02", "²")] == [
        *(None, 0, 11, "0", "E02", "²"),
    ]


def test_a_language_that_is_meant() -> None:
    there = ["en-gb", "pt", "pt-br", "und"]
    wanted = ["EN", "pt_BR", "pt", "de", "und"]
    assert [matching(there, text) for text in wanted] == ["en-gb", "pt-br", "pt", None, "und"]


class Terminal:
    """A terminal with a person at it: what is drawn is seen, and keys are pressed."""

    def __init__(self, arguments: list[str]) -> None:
        self.seen = ""
        self._master, slave = pty.openpty()
        self._shape(90, 24)
        environment = {**os.environ, "TERM": "xterm"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            arguments, stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)

    def until(self, words: str) -> None:
        """Wait until these words (a regular expression) were drawn."""
        deadline = time.monotonic() + SECONDS
        while not re.search(words, self.seen):
            ready, _, _ = select.select(
                [self._master], [], [], max(0.0, deadline - time.monotonic())
            )
            assert ready, f"no {words!r} in {self.seen[-2000:]!r}"
            self.seen += CSI.sub("", os.read(self._master, 65536).decode(errors="replace"))

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window; what was seen before is forgotten."""
        self.seen = ""
        self._shape(columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def echoes(self) -> bool:
        """Whether what is typed is shown, as when nothing runs."""
        modes: int = termios.tcgetattr(self._master)[3]
        return modes & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON

    def output_flags(self) -> int:
        """Those of the program's stdout, which is its stdin, too."""
        told = Path(f"/proc/{self.process.pid}/fdinfo/1").read_text()
        return int(told.split("flags:")[1].split()[0], 8)

    def end(self) -> int:
        """Wait for the end of the program, which may still have something to say."""
        with contextlib.suppress(OSError):  # nobody is at the other end any more
            while data := os.read(self._master, 65536):
                self.seen += data.decode(errors="replace")
        return self.process.wait(SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _shape(self, columns: int, lines: int) -> None:
        shape = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, shape)


class Waiting:
    """A player that tells its URL, and plays until it is ended."""

    def __init__(self, directory: Path) -> None:
        self._told, self._ended = directory / "told", directory / "ended"
        self.program = directory / "player"
        os.mkfifo(self._told)
        self.program.write_text(
            f'#!/bin/sh\ntrap "kill \\$!; echo over > {self._ended}; exit" TERM\n'
            f'echo "$1" > {self._told}\nsleep 600 & wait\n'
        )
        self.program.chmod(0o755)

    def url(self) -> str:
        """What it was given, once it has been started."""
        return self._told.read_text().strip()

    def was_ended(self) -> bool:
        return self._ended.exists()


def test_a_person_chooses_watches_and_quits(series: Stranger, tmp_path: Path) -> None:
    player = Waiting(tmp_path)
    terminal = Terminal(command(tmp_path, series.magnet, "--player", str(player.program)))
    try:
        terminal.until(r"Which one\? \[1\] ")
        assert "Show/E2.mp4" in terminal.seen
        terminal.type("2\n")
        terminal.until("not one of them: 2")  # subtitles are no video
        terminal.type("3\n")
        assert "/stream/" in player.url()
        terminal.until("q quits")
        terminal.until("of 200 kB")
        terminal.until(r"Peer +Client +By .*\s+127\.0\.0\.1:")
        assert not terminal.echoes()
        assert not terminal.output_flags() & os.O_NONBLOCK  # writing much to it would fail
        terminal.resize(50, 14)
        terminal.until(r"(?s)/stream/.*Peer +↓ +Got")  # there is no room for more
        terminal.type("xq")
        assert terminal.end() == 0, terminal.seen
        assert "of 200 kB is here" in terminal.seen
        assert player.was_ended()
        assert terminal.echoes()
    finally:
        terminal.close()


def test_ctrl_c_ends_all(series: Stranger, tmp_path: Path) -> None:
    player = Waiting(tmp_path)
    terminal = Terminal(
        command(tmp_path, series.magnet, "--file", "E1", "--player", str(player.program))
    )
    try:
        assert player.url()
        terminal.until("q quits")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 1
        assert player.was_ended()
        assert terminal.echoes()
        assert "Traceback" not in terminal.seen
    finally:
        terminal.close()
