"""The nodes of the demonstration: processes of their own, over directories of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ..errors import P2PTubeError
from .client import Api, find_running

START_SECONDS = 30.0
STOP_SECONDS = 10.0
FLAGS = (
    *("--host", "127.0.0.1", "--port", "0", "--swarm-port", "0", "--web-port", "0"),
    *("--no-dht", "--no-lan", "--no-browser"),
)


class DemoNode:
    """`p2ptube serve` with any free ports, on this machine only."""

    def __init__(self, name: str, directory: Path, upload_limit: int) -> None:
        """`upload_limit` in bytes per second; it holds on this machine, too."""
        self.name = name
        self.directory = directory
        self.view: Any = None  # the API's `GET node`
        self.api: Api
        self._upload_limit = upload_limit
        self._started = asyncio.Event()
        self._closing = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """Where its warnings go."""
        return self.directory.with_suffix(".err")

    @property
    def pid(self) -> int:
        """Its process."""
        return 0 if self._process is None else self._process.pid

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"{self.api.origin}/"

    async def start(self, join: DemoNode | None = None) -> None:
        """Start it, wait until it is ready, and join a peer. Raises P2PTubeError."""
        peers = () if join is None else ("--join", str(join.view["peer_id"]))
        with self.log.open("wb") as errors:
            # In our process group: Ctrl-C reaches the nodes even where we are killed with it.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "p2ptube", "serve", "--data-dir", str(self.directory)),
                *(*FLAGS, "--name", self.name, *peers),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
            )
        ready = await self._first_line()
        api = await find_running(self.directory) if ready.startswith("ready ") else None
        if api is None:
            raise P2PTubeError(f"node {self.name} did not start: {self._last_words()}")
        self.api = await self._closing.enter_async_context(api)
        self.view = await api.get("node")
        self._started.set()

    def _environment(self) -> dict[str, str]:
        # What the user set for his own node has no place here.
        mine = {k: v for k, v in os.environ.items() if not k.upper().startswith("P2PTUBE_")}
        return mine | {
            "P2PTUBE_UPLOAD_LIMIT": str(self._upload_limit),
            "P2PTUBE_LIMIT_LAN": "true",
            "P2PTUBE_HOPS": "1",  # a node knows whom it was told of, and who joined it: no more
        }

    async def _first_line(self) -> str:
        if self._process is None or self._process.stdout is None:
            return ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                return (await self._process.stdout.readline()).decode(errors="replace")
        return ""

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        said = [line for line in lines if line.strip()]
        return said[-1].removeprefix("p2ptube: ") if said else "it said nothing"

    async def ended(self) -> str:
        """Wait until the started node ends; gives what its end was like, in words."""
        await self._started.wait()
        code = 0 if self._process is None else await self._process.wait()
        return f"node {self.name} has ended (exit status {code}): {self._last_words()}"

    async def stop(self) -> None:
        """End the process; returns when it is gone."""
        await self._closing.aclose()
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def nodes(directory: Path, names: str, upload_limit: int) -> AsyncIterator[list[DemoNode]]:
    """Give nodes that are not started yet, one per letter of `names`; all end with the block."""
    made = [DemoNode(name, directory / name, upload_limit) for name in names]
    try:
        yield made
    finally:
        await asyncio.gather(*(node.stop() for node in made))
