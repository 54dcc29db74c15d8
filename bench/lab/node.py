"""Our real node on a host of the laboratory: as an origin, and as a viewer."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from bench.lab.clients.base import LOOPBACK, STOP_SECONDS, stream
from bench.lab.network import Host

PORTS = {"overlay": 5678, "swarm": 5679, "web": 5680}
PATIENCE_SECONDS = 600.0
SEARCH_SECONDS = 60.0


class LabNode:
    """`p2ptube serve` on a host, with the usual ports and the default settings.

    All methods but `start`, `wait_ready` and `stop` belong in a thread that has entered the host.
    """

    def __init__(self, host: Host, directory: Path, environment: dict[str, str]) -> None:
        self.host = host
        self.directory = directory
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._info: dict[str, Any] = {}

    @property
    def peer_id(self) -> str:
        return f"{self.host.address}:{PORTS['overlay']}"

    def start(self, join: str | None = None) -> None:
        """Start it; `wait_ready` waits."""
        command = [sys.executable, "-m", "p2ptube", "serve", "--data-dir", str(self.directory)]
        flags = ["--host", self.host.address, "--name", self.host.name]
        flags += ["--no-dht", "--no-lan", "--no-browser"]
        flags += ["--join", join] if join else []
        self._process = self.host.start(
            [*command, *flags], stdout=subprocess.PIPE, text=True, env=self._environment
        )

    def wait_ready(self) -> None:
        """Wait until it answers."""
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("start comes first")
        line = self._process.stdout.readline()
        if not line.startswith("ready "):
            raise OSError(f"a node did not start: {line}")
        self._info = json.loads((self.directory / "node.json").read_text())

    def stop(self) -> None:
        """End it as its user would."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._process.kill()

    # --- from inside the host ------------------------------------------------------------------

    def api(self) -> httpx.Client:
        """A client of its API."""
        headers = {"Authorization": f"Bearer {self._info['token']}"}
        # A connection per request: an idle one may be closed while the next request is sent.
        limits = httpx.Limits(max_keepalive_connections=0)
        base = f"{self._info['api']}/"
        return httpx.Client(base_url=base, headers=headers, timeout=60, limits=limits)

    def add(self, path: Path) -> str:
        """Share a file; the video's id."""
        with self.api() as api, api.stream("GET", "events", timeout=PATIENCE_SECONDS) as events:
            lines = events.iter_lines()
            next(lines)
            job = api.post("videos", json={"path": str(path)}).json()
            while (now := api.get(f"jobs/{job['id']}").json())["state"] in {"queued", "running"}:
                _await_news(lines, job["id"])
            if now["state"] != "done":
                raise OSError(f"adding failed: {now['error']}")
            return str(now["video"])

    def find(self, text: str) -> None:
        """Search until the network knows it."""
        end = time.monotonic() + SEARCH_SECONDS
        with self.api() as api:
            while not api.get("search", params={"q": text, "timeout": 5}).json():
                if time.monotonic() > end:
                    raise OSError(f"{self.host.name} did not find {text}")

    def fetch(self, video_id: str) -> None:
        """Ask for all of a video."""
        with self.api() as api:
            api.post(f"videos/{video_id}/fetch", json={}).raise_for_status()

    def is_complete(self, video_id: str) -> bool:
        """Whether a video is all here; OSError when it cannot be had."""
        with self.api() as api:
            return _complete(api, video_id)

    def wait_complete(self, video_id: str, until: float) -> bool:
        """Wait until a video is all here, or the monotonic clock reaches `until`."""
        patience = max(1.0, until - time.monotonic())
        with (
            contextlib.suppress(httpx.ReadTimeout),
            self.api() as api,
            api.stream("GET", "events", timeout=patience) as events,
        ):
            lines = events.iter_lines()
            next(lines)
            while not _complete(api, video_id):
                if not _await_news(lines, video_id, until):
                    return False
            return True
        return False

    def stream(self, video_id: str, first: int = 0) -> http.client.HTTPResponse:
        """Ask for a video's bytes, from `first` on."""
        headers = {"Authorization": f"Bearer {self._info['token']}"}
        return stream(LOOPBACK, PORTS["web"], f"/stream/{video_id}", first, headers)

    def lacks(self, video_id: str, first: int) -> bool:
        """Whether the byte is not here yet."""
        with self.api() as api:
            swarm = api.get(f"videos/{video_id}/swarm").raise_for_status().json()
        return bool(swarm["pieces"][first // swarm["piece_length"]] != "1")


def _await_news(lines: Iterator[str], text: str, until: float = math.inf) -> bool:
    """Wait for an event with this text; False when the monotonic clock reached `until`."""
    for line in lines:
        if time.monotonic() > until:
            return False
        if text in line:
            return True
    raise OSError("the node's events ended")


def _complete(api: httpx.Client, video_id: str) -> bool:
    now = api.get(f"videos/{video_id}").json()
    if now["state"] == "error":
        raise OSError(f"fetching failed: {now['detail']}")
    return bool(now["state"] == "complete")
