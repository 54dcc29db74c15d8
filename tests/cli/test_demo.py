"""`p2ptube demo` as a user runs it: its proof, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from p2ptube.cli.demo_clip import make_clip
from p2ptube.errors import Cancelled
from p2ptube.media.probe import probe
from p2ptube.web.signals import ENDING_SIGNALS

SECONDS = 150


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "p2ptube", "demo", *arguments]


@contextlib.contextmanager
def started(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo with `directory` for its temporary files; a stray setting must not disturb it."""
    environment = os.environ | {"TMPDIR": str(directory), "P2PTUBE_MAX_PEERS": "1"}
    with subprocess.Popen(
        program(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def processes_of(directory: Path) -> list[str]:
    """The command lines that name the directory."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(directory) in line:
                found.append(line)
    return found


def assert_nothing_is_left(directory: Path) -> None:
    assert list(directory.iterdir()) == []
    assert processes_of(directory) == []


def until_it_says(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    assert process.stderr is not None
    pytest.fail(f"it never said {words!r}: {process.stderr.read()}")


@pytest.mark.slow
def test_the_proof(tmp_path: Path) -> None:
    with started(tmp_path, "--once", "--no-browser", "--json") as process:
        out, error = process.communicate(timeout=SECONDS)
    assert (process.returncode, error) == (0, "")
    proof = json.loads(out)
    assert set(proof["sha256"]) == {"descriptor", "stream", "file"}
    assert len(set(proof["sha256"].values())) == 1
    assert len(proof["sha256"]["file"]) == 64

    sent = {(t["giver"], t["receiver"]): t["bytes"] for t in proof["transfers"]}
    assert sent["A", "C"] > 0
    assert sent["B", "C"] > 0
    assert sent["A", "C"] + sent["B", "C"] >= proof["size"]
    assert 0 < proof["source_progress"] < 1
    assert proof["first_byte"]["progress"] < 0.2
    assert proof["first_byte"]["seconds"] < proof["seconds"]

    by_name = {node["name"]: node for node in proof["nodes"]}
    knows = {name: node["knows"] for name, node in by_name.items()}
    assert knows == {"A": ["B"], "B": ["A", "C"], "C": ["B"]}
    assert all(by_name[name]["found"] < 5 for name in "BC")
    assert all(node["page"].startswith("http://127.0.0.1:") for node in by_name.values())
    assert all(Path(node["data_dir"]).is_relative_to(tmp_path) for node in by_name.values())
    for node in by_name.values():
        with pytest.raises(ProcessLookupError):
            os.kill(node["pid"], 0)
    assert_nothing_is_left(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_interrupted_while_it_works(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--no-browser") as process:
        until_it_says(process, "B searches")
        assert len(processes_of(tmp_path)) == 3
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (1, "")
    assert_nothing_is_left(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_goes_on_until_ctrl_c_which_is_no_failure(tmp_path: Path) -> None:
    with started(tmp_path, "--no-browser") as process:
        until_it_says(process, "watch it at C: http://127.0.0.1:")
        assert process.stderr is not None
        assert "until Ctrl-C" in process.stderr.readline()
        assert len(processes_of(tmp_path)) == 3
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, "")
    assert_nothing_is_left(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds a process by /proc")
def test_a_node_that_dies_is_one_line(tmp_path: Path) -> None:
    with started(tmp_path, "--no-browser", "--once") as process:
        until_it_says(process, "C searches")
        os.kill(node_a(tmp_path), signal.SIGKILL)
        _, error = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert error == "p2ptube: node A has ended (exit status -9): it said nothing\n"
    assert_nothing_is_left(tmp_path)


def node_a(directory: Path) -> int:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_text().split("\0")
            if words[-3:-1] == ["--name", "A"] and str(directory) in "".join(words):
                return int(file.parent.name)
    pytest.fail("node A does not run")


def test_no_room_for_it_is_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(missing))
    code = (
        "import tempfile, p2ptube.cli as c\n"
        f"tempfile.tempdir = {str(missing)!r}\n"
        "c.main(['demo', '--once', '--no-browser'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "temporary directory" in line


# --- the clip -----------------------------------------------------------------------------


def test_the_clip_plays_as_it_is(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    make_clip(clip, 3, lambda: False)
    found = probe(clip)
    assert 2.9 < found.duration < 3.2
    with av.open(str(clip)) as opened:
        assert [s.codec_context.name for s in opened.streams] == ["h264", "aac"]
        times = [(p.stream.type, float(p.pts * p.time_base)) for p in opened.demux() if p.pts]
    assert clip.read_bytes()[:64].count(b"moov") == 1  # in front
    # Whoever has the first part of the file has both its pictures and its sound.
    for kind in ("video", "audio"):
        assert [t for k, t in times[: len(times) // 2] if k == kind][-1] > 1


def test_making_the_clip_can_be_stopped(tmp_path: Path) -> None:
    asked = iter([False, False, True])  # and then no more: it raises where it is asked again
    with pytest.raises(Cancelled):
        make_clip(tmp_path / "clip.mp4", 3600, lambda: next(asked))
    assert next(asked, None) is None
