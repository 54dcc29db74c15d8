"""Our real node on a host of the laboratory: as an origin, and as a viewer."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from bench.lab.network import Host

LOOPBACK = "127.0.0.1"
PORTS = {"overlay": 5678, "swarm": 5679, "web": 5680}
PATIENCE_SECONDS = 600.0


class LabNode:
    """`p2ptube serve` on a host, with the usual ports and the default settings.

    All methods but `start` and `wait_ready` belong in a thread that has entered the host.
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

    # --- from inside the host ------------------------------------------------------------------

    def api(self) -> httpx.Client:
        """A client of its API."""
        headers = {"Authorization": f"Bearer {self._info['token']}"}
        return httpx.Client(base_url=f"{self._info['api']}/", headers=headers, timeout=60)

    def add(self, path: Path) -> str:
        """Share a file; the video's id."""
        with self.api() as api, api.stream("GET", "events", timeout=PATIENCE_SECONDS) as events:
            lines = events.iter_lines()
            next(lines)
            job = api.post("videos", json={"path": str(path)}).json()
            while (now := api.get(f"jobs/{job['id']}").json())["state"] in {"queued", "running"}:
                next(line for line in lines if job["id"] in line)
            if now["state"] != "done":
                raise OSError(f"adding failed: {now['error']}")
            return str(now["video"])

    def find(self, text: str) -> None:
        """Search until the network knows it."""
        with self.api() as api:
            while not api.get("search", params={"q": text, "timeout": 5}).json():
                pass

    def wait_complete(self, video_id: str, *, fetch: bool) -> None:
        """Wait until a video is all here; with `fetch`, ask for it first."""
        with self.api() as api, api.stream("GET", "events", timeout=PATIENCE_SECONDS) as events:
            lines = events.iter_lines()
            next(lines)
            if fetch:
                api.post(f"videos/{video_id}/fetch", json={}).raise_for_status()
            while (now := api.get(f"videos/{video_id}").json())["state"] != "complete":
                if now["state"] == "error":
                    raise OSError(f"fetching failed: {now['detail']}")
                next(line for line in lines if video_id in line)

    def stream(self, video_id: str) -> http.client.HTTPResponse:
        """Ask for a video's bytes."""
        connection = http.client.HTTPConnection(LOOPBACK, PORTS["web"], timeout=PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {self._info['token']}"}
        connection.request("GET", f"/stream/{video_id}", headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"/stream answered {response.status}: {response.read(500)!r}")
        return response
