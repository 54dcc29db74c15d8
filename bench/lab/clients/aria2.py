"""aria2c, as a server of JSON-RPC."""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any

from bench.lab.clients.base import PEER_PORT, Daemon


class Aria2(Daemon):
    """Told to seed for as long as it runs, and to find peers at the tracker and from peers."""

    name = "aria2"
    port = 6800

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("aria2c") else "aria2c is not installed"

    def launch(self) -> None:
        self.run(
            *("aria2c", "--no-conf", "--enable-rpc", f"--rpc-listen-port={self.port}"),
            *(f"--listen-port={PEER_PORT}", "--disable-ipv6", "--enable-dht=false"),
            *("--seed-ratio=0.0", "--check-integrity=true", "--file-allocation=none"),
        )

    def answers(self) -> bool:
        self._call("getVersion")
        return True

    def add(self, directory: Path) -> None:
        torrent = b64encode(self.share.torrent.read_bytes()).decode()
        self._call("addTorrent", torrent, [], {"dir": str(directory)})

    def is_complete(self) -> bool:
        return any(
            entry.get("seeder") == "true" and entry["completedLength"] == entry["totalLength"]
            for entry in self._call("tellActive")
        )

    def _call(self, method: str, *parameters: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": f"aria2.{method}", "params": parameters}
        answer = self.http.post("/jsonrpc", json=body).json()
        if "error" in answer:
            raise OSError(f"aria2: {answer['error']}")
        return answer["result"]
