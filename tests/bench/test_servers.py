"""Servers beside which the node is measured: they answer before anything is measured."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
from bench.servers import LOOPBACK, free_port, running, servers


def test_it_answers_when_the_block_begins(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    with servers(tmp_path) as ports:
        for port in ports.values():
            assert httpx.get(f"http://{LOOPBACK}:{port}/film.mp4").content == b"film"


def test_one_that_ends_at_once_is_an_error() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(ChildProcessError, match="ended with 3"), running(command, free_port()):
        pytest.fail("it does not run")


def test_one_that_never_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.servers.READY_SECONDS", 0.2)
    pause = [sys.executable, "-c", "import time; time.sleep(1000)"]
    with pytest.raises(TimeoutError, match="does not answer"), running(pause, free_port()):
        pytest.fail("it does not answer")
