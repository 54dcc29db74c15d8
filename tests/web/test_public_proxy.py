"""The public port behind a real reverse proxy that speaks TLS, as the documents describe it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import websockets
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes
from tests.web.certificates import Pair, make_pair

from p2ptube.web.listening import LOOPBACK, listen

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
CONFIG = """
daemon off; error_log stderr; pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {connection}
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {pair.cert}; ssl_certificate_key {pair.key};
    {location}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, front: socket.socket, public: int, pair: Pair) -> Iterator[None]:
    """Run nginx over a socket that listens already: connections wait until it is there."""
    program = shutil.which("nginx")
    assert program is not None
    found = re.search(r"```nginx\n(map .*?)(location .*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    text = CONFIG.format(
        folder=folder,
        port=front.getsockname()[1],
        pair=pair,
        connection=found[1],
        location=found[2].replace("5681", str(public)),
    )
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    inherited = {**os.environ, "NGINX": f"{front.fileno()};"}
    with subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env=inherited, pass_fds=[front.fileno()]
    ) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_a_proxy_with_tls_is_seen_through(tmp_path: Path) -> None:
    pair, front = make_pair(tmp_path), listen(LOOPBACK, 0, "--port")
    url = f"https://127.0.0.1:{front.getsockname()[1]}"
    trust = ssl.create_default_context(cafile=str(pair.cert))
    with front, nodes() as start:
        node = start(tmp_path / "n", "--public-port", "0", "--public-url", url)
        clip = make_clip(tmp_path / "a.mp4", seconds=4, size=(320, 180), faststart=True)
        video = node.add(clip)
        with nginx(tmp_path, front, node.info["ports"]["public"], pair):
            look(node, video["id"], url, trust, clip)


def look(node: NodeProcess, video: str, url: str, trust: ssl.SSLContext, clip: Path) -> None:
    def client(address: str) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=trust, local_address=address)
        return httpx.Client(base_url=url, transport=transport, timeout=30)

    with client("127.0.0.1") as one, client("127.0.0.2") as other:
        page = one.get(f"/watch/{video}").text
        assert f'content="{url}/embed/{video}"' in page
        assert f'"trackers": ["wss{url.removeprefix("https")}/announce"]' in page
        assert one.get(f"/stream/{video}").content == clip.read_bytes()

        limits = {"public_streams_per_address": 1, "public_stream_rate": 5000}
        assert node.api.patch("settings", json=limits).is_success
        forged = {"x-forwarded-for": "203.0.113.5"}
        with one.stream("GET", f"/stream/{video}"):
            # One address more or less forged is still the same client; another one is not.
            assert one.get(f"/stream/{video}", headers=forged).status_code == 429
            with other.stream("GET", f"/stream/{video}") as answer:
                assert answer.status_code == 200
    asyncio.run(announce(f"wss{url.removeprefix('https')}/announce", trust))


async def announce(url: str, trust: ssl.SSLContext) -> None:
    async with websockets.connect(url, ssl=trust) as tracker:
        hello = {"action": "announce", "info_hash": "a" * 20, "peer_id": "b" * 20, "left": 0}
        await tracker.send(json.dumps(hello))
        assert "interval" in str(await asyncio.wait_for(tracker.recv(), 20))
