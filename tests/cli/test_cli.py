"""The command line against a node with a real HTTP API and nothing behind it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.web.fakes import REMOTE_ID, VIDEO_ID, FakeNode, a_video
from typer.testing import CliRunner, Result

from p2ptube import __version__
from p2ptube.cli.app import app
from p2ptube.models import Holder, VideoState

VERBS = [
    "serve",
    "add",
    "search",
    "fetch",
    "watch",
    "peers",
    "videos",
    "edit",
    "tracker",
    "site",
    "demo",
    "doctor",
]
HOLDERS = (Holder(peer="127.0.0.1:9"),)


def call(*arguments: object, directory: Path | None = None) -> Result:
    # In this process, as a Python process per call would take most of the time.
    where = [] if directory is None else ["--data-dir", str(directory)]
    return CliRunner().invoke(app, [*map(str, arguments), *where])


def assert_failed(result: Result, *words: str) -> None:
    """It failed with one line on stderr, which has these words."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


# --- usage --------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert f"p2ptube {verb}" in result.stdout or f"root {verb}" in result.stdout
    if verb != "demo":
        assert "--data-dir" in result.stdout
        assert "--json" in result.stdout


def test_the_program_has_help() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for verb in VERBS:
        assert f"  {verb}" in result.stdout
    for flag in ("--join", "--public-port", "--no-dht", "--no-lan", "--no-browser", "--max-peers"):
        assert flag in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["add"],
        ["search"],
        ["search", "x", "--timeout", "0"],
        ["search", " "],
        ["peers", "rebuild", "--hops", "99"],
        ["fetch"],
        ["watch", VIDEO_ID, "--player", "wmp"],
        ["peers", "add"],
        ["peers", "nonsense"],
        ["serve", "--port", "many"],
        ["fetch", VIDEO_ID, "-o", "/no/such/directory"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    assert_failed(call("--port", "70000", "--data-dir", tmp_path), "port")
    (tmp_path / "config.toml").write_text("port = 'x'")
    assert_failed(call("videos", directory=tmp_path), "port")


# --- verbs --------------------------------------------------------------------------------


def test_options_may_come_before_or_after_the_verb(node: FakeNode, tmp_path: Path) -> None:
    for arguments in (
        ["--data-dir", tmp_path, "--json", "videos"],
        ["videos", "--json", "--data-dir", tmp_path],
        ["--json", "videos", "--data-dir", tmp_path],
        ["--data-dir", "/no/such", "videos", "--data-dir", tmp_path, "--json"],
        ["peers", "--json", "--data-dir", tmp_path],
        ["--data-dir", tmp_path, "peers", "--json", "refresh"],
    ):
        result = call(*arguments)
        assert (result.exit_code, result.stdout) == (0, "[]\n"), result.stderr


def test_videos_are_listed(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video(title="Tab\tand \x1b[31mescape\u202e")
    listed = call("videos", directory=tmp_path)
    (line,) = listed.stdout.splitlines()
    assert line.split("\t") == [
        VIDEO_ID,
        "complete",
        "0:12",
        "1.0 kB",
        "0",
        "Tab and \N{REPLACEMENT CHARACTER}[31mescape\N{REPLACEMENT CHARACTER}",
    ]
    (video,) = json.loads(call("videos", "--json", directory=tmp_path).stdout)
    assert video["title"] == "Tab\tand \x1b[31mescape\u202e"


def test_who_can_see_a_video_is_said_and_changed(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video(title="The garden")
    changed = call("edit", VIDEO_ID.upper(), "--visibility", "private", directory=tmp_path)
    assert changed.stdout == f"private {VIDEO_ID} The garden\n", changed.stderr
    (line,) = call("videos", directory=tmp_path).stdout.splitlines()
    assert line.split("\t")[1] == "complete, private"
    options = ["--title", "My garden", "--description", "", "--language", "de", "--json"]
    document = json.loads(call("edit", VIDEO_ID, *options, directory=tmp_path).stdout)
    assert (document["title"], document["language"]) == ("My garden", "de")
    assert document["visibility"] == "private"
    assert call("edit", VIDEO_ID, directory=tmp_path).exit_code == 2
    assert call("edit", VIDEO_ID, "--visibility", "x", directory=tmp_path).exit_code == 2
    assert_failed(call("edit", "0" * 40, "--title", "x", directory=tmp_path), "no video")


def test_what_is_added_is_shown_to_whom_the_user_says(node: FakeNode, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"1")
    added = call("add", "--visibility", "unlisted", "--json", film, directory=tmp_path)
    assert json.loads(added.stdout)["visibility"] == "unlisted"


def test_adding_several(node: FakeNode, tmp_path: Path) -> None:
    file = tmp_path / "one.mp4"
    file.write_bytes(b"video")
    result = call("add", file, "http://x/two", "--json", directory=tmp_path)
    assert result.exit_code == 0, result.stderr
    titles = [json.loads(line)["title"] for line in result.stdout.splitlines()]
    assert titles == ["one", "From afar"]


def test_what_cannot_be_added_is_told_and_the_rest_is_added(node: FakeNode, tmp_path: Path) -> None:
    file = tmp_path / "one.mp4"
    file.write_bytes(b"video")
    result = call("add", tmp_path / "none.mp4", file, "http://bad/", directory=tmp_path)
    assert result.exit_code == 1
    assert "added" in result.stdout
    first, second = result.stderr.splitlines()
    assert "none.mp4: no such file" in first
    assert "http://bad/: not a video" in second


def test_search_prints_results_once_and_every_one_as_json(node: FakeNode, tmp_path: Path) -> None:
    node.found = [a_video(REMOTE_ID, "red fox", state=VideoState.REMOTE)]
    plain = call("search", "red", "fox", directory=tmp_path)
    assert plain.exit_code == 0
    assert len(plain.stdout.splitlines()) == 1
    assert REMOTE_ID in plain.stdout
    lines = call("search", "red", "--json", directory=tmp_path).stdout.splitlines()
    assert [len(json.loads(line)["holders"]) for line in lines] == [0, 1]
    nothing = call("search", "blue", directory=tmp_path)
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing found" in nothing.stderr


def test_fetch_waits_and_puts_a_copy(node: FakeNode, tmp_path: Path) -> None:
    node.found = [a_video(REMOTE_ID, state=VideoState.REMOTE, holders=HOLDERS, progress=0)]
    out = tmp_path / "out"
    out.mkdir()
    result = call("fetch", REMOTE_ID, "-o", out, "--json", directory=tmp_path)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["state"], document["copy"]) == ("complete", str(out / "clip.mp4"))
    assert (out / "clip.mp4").read_bytes() == b"v" * 1000
    assert call("fetch", REMOTE_ID, directory=tmp_path).stdout.startswith("complete ")


def test_fetch_fails_in_one_line(node: FakeNode, tmp_path: Path) -> None:
    assert_failed(call("fetch", "c" * 40, directory=tmp_path), "no video")
    node.found = [a_video(REMOTE_ID, state=VideoState.REMOTE)]
    assert_failed(call("fetch", REMOTE_ID, directory=tmp_path), "nobody has it")


def test_watch_with_no_player_prints_a_url_that_any_player_can_open(
    node: FakeNode, tmp_path: Path
) -> None:
    import httpx

    node.known[VIDEO_ID] = a_video()
    result = call("watch", VIDEO_ID, "--player", "none", directory=tmp_path)
    assert result.exit_code == 0, result.stderr
    url = result.stdout.strip()
    assert httpx.get(url, headers={"range": "bytes=0-9"}).status_code == 206


def test_watch_without_a_screen_says_where_to_look(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    node.known[VIDEO_ID] = a_video()
    result = call("watch", VIDEO_ID, directory=tmp_path)
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 1)
    assert result.stdout.endswith(f"/#/watch/{VIDEO_ID}\n")
    assert_failed(call("watch", VIDEO_ID, "--player", "vlc", directory=tmp_path), "screen")


def test_watch_opens_the_browser_that_the_user_named(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, program = tmp_path / "seen", tmp_path / "browser"
    os.mkfifo(seen)
    program.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    program.chmod(0o755)
    node.known[VIDEO_ID] = a_video()
    monkeypatch.setenv("BROWSER", str(program))
    with subprocess.Popen(
        [sys.executable, "-m", "p2ptube", "watch", VIDEO_ID, "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        opened = seen.read_text()
        out, _ = process.communicate(timeout=30)
    assert opened == out
    assert process.returncode == 0


def test_letters_that_the_terminal_lacks(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video(title="\N{CJK UNIFIED IDEOGRAPH-65E5} clip")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}

    def listed(*flags: str) -> bytes:
        command = [sys.executable, "-m", "p2ptube", "videos", *flags, "--data-dir", str(tmp_path)]
        return subprocess.run(command, capture_output=True, env=environment, check=True).stdout

    assert listed().endswith(b"\t? clip\n")
    assert json.loads(listed("--json"))[0]["title"] == "\N{CJK UNIFIED IDEOGRAPH-65E5} clip"


def test_a_reader_that_goes_away(node: FakeNode, tmp_path: Path) -> None:
    node.known[VIDEO_ID] = a_video(description="long " * 50_000)
    command = [sys.executable, "-m", "p2ptube", "videos", "--json", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_the_version() -> None:
    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"p2ptube {__version__}\n")


def test_peers_come_and_go(node: FakeNode, tmp_path: Path) -> None:
    assert "no peers" in call("peers", directory=tmp_path).stderr
    added = call("peers", "add", "127.0.0.1:7", "--json", directory=tmp_path)
    assert json.loads(added.stdout)["id"] == "127.0.0.1:7"
    assert_failed(call("peers", "add", "127.0.0.1:7", directory=tmp_path), "known already")
    assert call("peers", directory=tmp_path).stdout.startswith("127.0.0.1:7\tp2ptube\t")
    rebuilt = call("peers", "rebuild", "127.0.0.1:8", "--json", directory=tmp_path)
    assert len(json.loads(rebuilt.stdout)) == 2
    assert call("peers", "remove", "127.0.0.1:7", directory=tmp_path).exit_code == 0
    assert_failed(call("peers", "remove", "127.0.0.1:7", directory=tmp_path), "no peer")


def test_doctor_knows_the_running_node(node: FakeNode, tmp_path: Path) -> None:
    result = call("doctor", "--json", directory=tmp_path)
    findings = {each["check"]: each for each in json.loads(result.stdout)}
    assert findings["node"]["state"] == "ok"
    assert "127.0.0.1:1" in findings["node"]["text"]
    assert findings["Python"]["state"] == "ok"
    assert findings["codecs"]["state"] == "ok", findings["codecs"]
    assert findings["data directory"]["state"] == "ok"


def test_doctor_fails_where_something_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("--port", "0", "doctor", directory=tmp_path / "file" / "d")
    assert result.exit_code == 1
    assert "fail  data directory" in result.stdout


def test_interrupting_add_cancels_the_job(node: FakeNode, tmp_path: Path) -> None:
    file = tmp_path / "slow.mp4"
    file.write_bytes(b"slow")
    command = [sys.executable, "-m", "p2ptube", "add", str(file)]
    command += ["--data-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert "running" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error == "cancelled: slow.mp4\n"
    assert node.work["0"].state == "cancelled"
