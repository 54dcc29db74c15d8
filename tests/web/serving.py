"""A fake node with its web server, for programs that find and ask it as they would a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.web.fakes import TOKEN, FakeNode

from p2ptube.node.views import Ports
from p2ptube.web.admin import create_admin_app
from p2ptube.web.listening import LOOPBACK, WebServer


@contextlib.contextmanager
def served(directory: Path) -> Iterator[tuple[FakeNode, str]]:
    """A fake node with its admin web server in a thread, found through `directory`/node.json."""
    started: list[tuple[FakeNode, str, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        end, stopping = asyncio.Event(), asyncio.Event()
        node = FakeNode(directory)
        server = WebServer(LOOPBACK, 0, "--web-port")
        node.ports = Ports(overlay=1, swarm=2, web=server.port)
        await server.start(create_admin_app(node.as_node(), stopping))
        url = f"http://{LOOPBACK}:{server.port}/"
        started.append((node, url, asyncio.get_running_loop(), end))
        ready.set()
        await end.wait()
        stopping.set()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    node, url, loop, end = started[0]
    known = {"api": f"{url}api/v1", "token": TOKEN, "peer_id": "127.0.0.1:1", "ports": {}}
    (directory / "node.json").write_text(json.dumps(known))
    try:
        yield node, url
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        assert not thread.is_alive()
