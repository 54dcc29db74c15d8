"""Real nodes in processes of their own, and their API: what end-to-end tests start from."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.ports import held

READY_SECONDS = 30
IMPORT_SECONDS = 120  # its process is nice: all others of the machine go first
# Between two looks: short at first, since most things are there soon, and then ever longer, since a
# look takes the processor from what is waited for.
LOOK_SECONDS, LONGEST_LOOK = 0.01, 0.1
_never = threading.Event()
FLAGS = (
    *("--host", "127.0.0.1", "--port", "0", "--swarm-port", "0", "--web-port", "0"),
    *("--no-dht", "--no-lan", "--no-browser"),
)


class NodeProcess:
    """`p2ptube serve` over a data directory. Rates in bytes/s hold on loopback, too.

    With an `upload_limit` of None the environment decides no limits, so that the API may.
    """

    def __init__(
        self,
        data_dir: Path,
        *flags: str,
        join: str | None = None,
        upload_limit: int | None = 0,
        **environment: str,
    ) -> None:
        self.data_dir = data_dir
        self._flags = [*FLAGS, *flags, *(["--join", join] if join else [])]
        limits = {"P2PTUBE_UPLOAD_LIMIT": str(upload_limit), "P2PTUBE_LIMIT_LAN": "true"}
        self._environment = {
            **os.environ,
            **({} if upload_limit is None else limits),
            "P2PTUBE_STABILIZE_INTERVAL": "0.5",
            **environment,
        }
        self._ports: tuple[int, ...] = ()  # that are its own, also while it does not run
        self._held: list[socket.socket] = []
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.info: dict[str, Any] = {}
        self.api: httpx.Client

    def start(self) -> NodeProcess:
        """Start and wait for the ready line."""
        command = [sys.executable, "-m", "p2ptube", "serve", "--data-dir", str(self.data_dir)]
        self.process = subprocess.Popen(
            [*command, *self._flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            _, errors = self.process.communicate(timeout=READY_SECONDS)
            raise AssertionError(f"the node did not start: {line}{errors}")
        self.url = line.split()[1].rstrip("/")
        self.info = json.loads((self.data_dir / "node.json").read_text())
        headers = {"Authorization": f"Bearer {self.info['token']}"}
        self.api = httpx.Client(base_url=self.info["api"] + "/", headers=headers, timeout=60)
        return self

    @property
    def peer_id(self) -> str:
        """The overlay address, which others join."""
        return str(self.info["peer_id"])

    def restart_flags(self) -> None:
        """Keep the ports of this run for the next, as a node with fixed ports would.

        Nobody else gets them meanwhile.
        """
        ports = self.info["ports"]
        self._ports = ports["overlay"], ports["swarm"], ports["web"]
        for flag, name in (("--port", "overlay"), ("--swarm-port", "swarm"), ("--web-port", "web")):
            self._flags[self._flags.index(flag) + 1] = str(ports[name])

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.communicate(timeout=30)
            self._held = self._held or [held(port) for port in self._ports]
        with contextlib.suppress(AttributeError):
            self.api.close()

    def let_go(self) -> None:
        """It does not run any more, and its ports are for others."""
        for holder in self._held:
            holder.close()

    # --- the API -------------------------------------------------------------------------------

    def get(self, path: str, **params: Any) -> Any:
        """GET under /api/v1; fails unless the status is good."""
        return self._checked(self.api.get(path, params=params))

    def post(self, path: str, body: Any = None) -> Any:
        """POST JSON under /api/v1; fails unless the status is good."""
        return self._checked(self.api.post(path, json=body if body is not None else {}))

    def patch(self, path: str, body: Any) -> Any:
        """PATCH JSON under /api/v1; fails unless the status is good."""
        return self._checked(self.api.patch(path, json=body))

    def delete(self, path: str, **params: Any) -> Any:
        """DELETE under /api/v1; fails unless the status is good."""
        return self._checked(self.api.delete(path, params=params))

    @staticmethod
    def _checked(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code} {response.text}"
        return response.json() if response.content else None

    def stream(self, video_id: str, **headers: str) -> httpx.Response:
        """GET /stream/ID as a whole."""
        return self.api.get(f"{self.url}/stream/{video_id}", headers=headers)

    def add(self, path: Path, **fields: Any) -> dict[str, Any]:
        """Add a file and wait for the video; `fields` are those of `POST videos`."""
        job = self.post("videos", {"path": str(path), **fields})
        done = self.until(
            lambda: self.get(f"jobs/{job['id']}"), lambda j: j["state"] in _OVER, IMPORT_SECONDS
        )
        assert done["state"] == "done", done
        video: dict[str, Any] = self.get(f"videos/{done['video']}")
        return video

    def search(self, text: str) -> list[dict[str, Any]]:
        """Search the network."""
        results: list[dict[str, Any]] = self.get("search", q=text, timeout=5)
        return results

    def find(self, text: str) -> dict[str, Any]:
        """Search until the network knows a video (peers may still be joining)."""
        found = self.until(lambda: self.search(text), bool)
        first: dict[str, Any] = found[0]
        return first

    def complete(self, video_id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until a video is complete here."""
        video: dict[str, Any] = self.until(
            lambda: self.get(f"videos/{video_id}"),
            lambda v: v["state"] in {"complete", "error"},
            seconds,
        )
        assert video["state"] == "complete", video
        return video

    @staticmethod
    def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 30) -> Any:
        """Look again and again until it is good; the API has no other way to be asked."""
        deadline = time.monotonic() + seconds
        pause = LOOK_SECONDS
        while not good(seen := look()):
            assert time.monotonic() < deadline, f"still: {seen}"
            _never.wait(pause)
            pause = min(1.5 * pause, LONGEST_LOOK)
        return seen


_OVER = {"done", "failed", "cancelled"}
# Starts a node over a directory; see NodeProcess.
Start = Callable[..., NodeProcess]


@contextlib.contextmanager
def nodes() -> Iterator[Start]:
    """Give a function that starts nodes; all of them end with the block."""
    started: list[NodeProcess] = []

    def start(data_dir: Path, *flags: str, **options: Any) -> NodeProcess:
        node = NodeProcess(data_dir, *flags, **options)
        started.append(node)
        return node.start()

    try:
        yield start
    finally:
        for node in started:
            node.kill()
            node.let_go()


def acquainted(*nodes: NodeProcess) -> None:
    """Wait until each of the nodes has met a peer."""
    for node in nodes:
        node.until(lambda node=node: node.get("peers"), bool)  # type: ignore[misc]
