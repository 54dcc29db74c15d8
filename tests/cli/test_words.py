"""What the command line writes: files beside others, and words for a terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.cli.app import app
from p2ptube.cli.files import place
from p2ptube.cli.output import clock, safe, size


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(b"new")
    out.mkdir()
    (out / "a.mp4").write_bytes(b"old")
    (out / "a (2).mp4").symlink_to("nowhere")
    placed = place(source, out, "a.mp4")
    assert placed == out / "a (3).mp4"
    assert placed.read_bytes() == b"new"
    assert (out / "a.mp4").read_bytes() == b"old"
    assert sorted(path.name for path in out.iterdir()) == ["a (2).mp4", "a (3).mp4", "a.mp4"]


def test_a_copy_stays_in_its_directory(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(b"new")
    out.mkdir()
    assert place(source, out, "../../a.mp4") == out / "a.mp4"


@pytest.mark.skipif(not shutil.which("df") or not Path("/dev/shm").is_dir(), reason="one disk")
def test_a_copy_to_another_file_system(tmp_path: Path) -> None:
    import tempfile

    source = tmp_path / "source"
    source.write_bytes(b"new")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as out:
        assert place(source, Path(out), "a.mp4").read_bytes() == b"new"


@given(st.text())
def test_safe_text_has_no_control_characters(text: str) -> None:
    assert all(c.isprintable() or c in "\t\n" for c in safe(text))


def test_words_for_numbers() -> None:
    assert [size(n) for n in (0, 999, 1500, 123_456, 10**9, 10**13)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "123 kB",
        "1.0 GB",
        "10.0 TB",
    ]
    assert [clock(n) for n in (0, 61.9, 3661)] == ["0:00", "1:01", "1:01:01"]


def test_typer_is_given_a_program_name() -> None:
    assert isinstance(app, typer.Typer)
