"""A tracker in a process of its own: `p2ptube tracker` over a data directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self


class TrackerProcess:
    """Keeps its port over restarts. As a context, it ends in order, and without an error."""

    def __init__(self, data_dir: Path, host: str = "127.0.0.1") -> None:
        self._data_dir = data_dir
        self._host = host
        self._process: subprocess.Popen[str]
        self.port = 0

    def start(self) -> Self:
        """Start, and wait until it listens."""
        command = [sys.executable, "-m", "p2ptube", "tracker", "--json", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "--data-dir", str(self._data_dir)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "P2PTUBE_HOST": self._host},
        )
        assert self._process.stdout is not None
        self.port = int(json.loads(self._process.stdout.readline())["port"])
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)
        assert self._process.returncode == 0

    def _end(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.communicate(timeout=30)

    @property
    def origin(self) -> str:
        """Where it is, such as `http://127.0.0.1:1`."""
        return self.at("http").removesuffix("/announce")

    def at(self, scheme: str) -> str:
        """An announce URL."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}/announce"
