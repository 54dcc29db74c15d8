"""Space that is given back to the file system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from p2ptube.swarm import holes
from p2ptube.swarm.holes import can_punch, punch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="holes are punched on Linux only")
MIB = 1024 * 1024


def used(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_holes_take_no_space_and_read_as_zeros(tmp_path: Path) -> None:
    if not can_punch(tmp_path):
        pytest.skip("the file system of the temporary directory cannot punch holes")
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x" * 4 * MIB)
    before = used(path)
    punch(path, [(0, MIB), (2 * MIB, 4 * MIB), (5, 5)])
    assert path.stat().st_size == 4 * MIB
    assert used(path) <= before - 3 * MIB
    data = path.read_bytes()
    assert (data[:MIB], data[2 * MIB :]) == (bytes(MIB), bytes(2 * MIB))
    assert data[MIB : 2 * MIB] == b"x" * MIB


def test_a_file_that_is_not_there_has_nothing_to_give(tmp_path: Path) -> None:
    punch(tmp_path / "none.mp4", [(0, MIB)])


def test_a_file_system_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(holes, "_punch", refuse)
    assert not can_punch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_told(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    with pytest.raises(OSError, match="Invalid argument"):
        punch(path, [(-4096, 0)])
