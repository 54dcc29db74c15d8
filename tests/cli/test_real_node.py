"""The command line with real nodes: the program as a user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clips import make_clip

QUIET = ["--no-dht", "--no-lan", "--no-browser"]
FREE = ["--port", "0", "--swarm-port", "0", "--web-port", "0", "--host", "127.0.0.1"]


def program(directory: Path, *arguments: object) -> list[str]:
    return [
        *(sys.executable, "-m", "p2ptube", *QUIET, *FREE, "--data-dir", str(directory)),
        *map(str, arguments),
    ]


def call(directory: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program(directory, *arguments), capture_output=True, text=True, timeout=90, check=False
    )


@contextlib.contextmanager
def running(directory: Path, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program in the background, and its first line."""
    process = subprocess.Popen(
        program(directory, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            pytest.fail(f"it did not start: {process.communicate(timeout=10)[1]}")
        yield process, line.strip()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()


def node_json(directory: Path) -> Any:
    return json.loads((directory / "node.json").read_text())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "red fox.mp4"
    return make_clip(path, seconds=3, size=(320, 180))


def test_serve_says_ready_and_ends_in_order(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    with running(directory, "serve", "--public-port", "0") as (process, line):
        assert line.startswith("ready http://127.0.0.1:")
        known = node_json(directory)
        assert set(known) >= {"api", "token", "peer_id", "ports"}
        assert set(known["ports"]) == {"overlay", "swarm", "web", "public"}
        assert line == f"ready http://127.0.0.1:{known['ports']['web']}/"
        assert stat.S_IMODE((directory / "node.json").stat().st_mode) == 0o600
        headers = {"authorization": f"Bearer {known['token']}"}
        api = line.removeprefix("ready ") + "api/v1/node"
        assert httpx.get(api, headers=headers).json()["peer_id"] == known["peer_id"]
        public = f"http://127.0.0.1:{known['ports']['public']}"
        assert httpx.get(f"{public}/").status_code == 200
        assert httpx.get(f"{public}/api/v1/node", headers=headers).status_code == 404

        again = call(directory, "serve")
        assert (again.returncode, again.stdout) == (1, "")
        assert len(again.stderr.splitlines()) == 1
        assert node_json(directory) == known  # the failed one left it alone

        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    # In order: a stop that takes too long is cut off, and says so.
    assert (process.returncode, error) == (0, "")
    assert not (directory / "node.json").exists()


def test_a_taken_web_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = call(tmp_path, "serve", "--web-port", port)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert str(port) in line
    assert "--web-port" in line


def test_without_a_running_node_one_runs_for_the_command(tmp_path: Path, clip: Path) -> None:
    stale = {"api": "http://127.0.0.1:9/api/v1", "token": "x", "peer_id": "", "ports": {}}
    (tmp_path / "node.json").write_text(json.dumps(stale))
    added = call(tmp_path, "add", clip, "--json")
    assert added.returncode == 0, added.stderr
    video = json.loads(added.stdout)
    assert (video["title"], video["state"]) == ("red fox", "complete")
    listed = json.loads(call(tmp_path, "videos", "--json").stdout)
    assert [each["id"] for each in listed] == [video["id"]]
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    refused = call(tmp_path, "add", text)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "Traceback" not in refused.stderr


def test_the_data_directory_may_be_given_relative_to_where_one_is(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "fox.mkv"  # not shared in place: its MP4 goes into the data directory
    make_clip(copy, seconds=1, size=(320, 180))
    monkeypatch.chdir(tmp_path)
    assert call(Path("d"), "add", copy).returncode == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (video,) = json.loads(call(tmp_path / "d", "videos", "--json").stdout)
    assert video["state"] == "complete", video
    assert Path(video["path"]).is_relative_to(tmp_path / "d")
    monkeypatch.chdir(tmp_path)
    fetched = call(Path("d"), "fetch", video["id"], "-o", Path("elsewhere"))
    assert fetched.returncode == 0, fetched.stderr
    assert [file.name for file in Path("elsewhere").iterdir()] == ["fox.mp4"]


def test_search_fetch_and_watch_from_another_node(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path / "a", "serve"):
        added = call(tmp_path / "a", "add", clip, "--json")
        assert added.returncode == 0, added.stderr
        video_id = json.loads(added.stdout)["id"]
        peer = node_json(tmp_path / "a")["peer_id"]

        found = call(tmp_path / "b", "search", "fox", "--json", "--join", peer)
        assert json.loads(found.stdout.splitlines()[0])["id"] == video_id, found.stderr

        out = tmp_path / "out"
        out.mkdir()
        fetched = call(tmp_path / "c", "fetch", video_id, "-o", out, "--join", peer, "--json")
        assert fetched.returncode == 0, fetched.stderr
        assert json.loads(fetched.stdout)["state"] == "complete"
        (copy,) = out.iterdir()
        assert copy.stat().st_size == json.loads(added.stdout)["size"]

        with running(
            tmp_path / "d", "watch", video_id, "--player", "none", "--no-keep", "--join", peer
        ) as (process, url):
            part = httpx.get(url, headers={"range": "bytes=4-7"}, timeout=30)
            assert (part.status_code, part.content) == (206, b"ftyp")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            assert process.returncode == 0


def test_a_tracker_runs_alone(tmp_path: Path) -> None:
    with running(tmp_path, "tracker", "--port", "0") as (_, line):
        url = line.removeprefix("tracker ")
        query = "info_hash=" + "%aa" * 20 + "&peer_id=" + "b" * 20 + "&port=1&left=1&event=started"
        answer = httpx.get(f"{url}?{query}")
        assert answer.status_code == 200
        assert b"8:interval" in answer.content
        again = call(tmp_path, "tracker", "--port", "0")
        assert again.returncode == 1
        assert "is in use" in again.stderr


def test_the_tracker_of_a_running_node_is_named(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--public-port", "0"):
        port = node_json(tmp_path)["ports"]["public"]
        named = call(tmp_path, "tracker").stdout.splitlines()
    where = f"127.0.0.1:{port}/announce"
    assert named == [f"tracker {scheme}://{where}" for scheme in ("http", "udp", "ws")]


def test_behind_a_proxy_the_tracker_is_named_as_strangers_know_it(tmp_path: Path) -> None:
    url = "https://tube.example"
    with running(tmp_path, "serve", "--public-port", "0", "--public-url", url):
        named = call(tmp_path, "tracker").stdout.splitlines()
    assert named == [f"tracker {scheme}://tube.example/announce" for scheme in ("https", "wss")]


def test_a_tracker_takes_its_settings_before_and_after_the_verb(tmp_path: Path) -> None:
    url = "https://tube.example"
    later = ("tracker", "--port", "0", "--host", "127.0.0.2", "--public-url", url)
    with running(tmp_path, *later) as (_, line):
        assert line == f"tracker {url}/announce"
        refused = call(tmp_path / "other", "--public-url", url, "tracker", "--tls-cert", "x.pem")
    assert refused.returncode == 1
    assert "tls_cert and tls_key belong together" in refused.stderr
    with running(tmp_path, "--host", "127.0.0.2", "tracker", "--port", "0") as (_, line):
        assert line.startswith("tracker http://127.0.0.2:")


def test_what_needs_the_public_port_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = ("--web-port", taken.getsockname()[1])
        result = call(tmp_path, "serve", *port, "--public-url", "https://tube.example")
        public = call(tmp_path, "serve", *port, "--public-url", "https://a.b", "--public-port", 0)
    assert result.returncode == public.returncode == 1
    assert result.stderr.startswith("--public-url is not used: give --public-port, too\n")
    assert "--public-url" not in public.stderr


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_doctor_on_a_fresh_machine(tmp_path: Path) -> None:
    result = call(tmp_path / "new", "doctor")
    assert result.returncode == 0, result.stdout
    assert "fail" not in result.stdout
