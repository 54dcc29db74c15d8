"""transmission-daemon."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any

from bench.lab.clients.base import LOOPBACK, PEER_PORT, Daemon

SEEDING = 6


class Transmission(Daemon):
    """With its own settings but for what reaches out of the laboratory."""

    name = "transmission"
    port = 9091

    @classmethod
    def missing(cls) -> str | None:
        present = shutil.which("transmission-daemon")
        return None if present else "transmission-daemon is not installed"

    def launch(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "dht-enabled": False,
            "port-forwarding-enabled": False,
            "peer-port": PEER_PORT,
            "rpc-bind-address": LOOPBACK,
            "rpc-port": self.port,
        }
        (self.directory / "settings.json").write_text(json.dumps(settings))
        self.run("transmission-daemon", "--foreground", "--config-dir", str(self.directory))

    def answers(self) -> bool:
        # The first answer is a refusal that tells the session's id.
        answer = self.http.post("/transmission/rpc", json={"method": "session-get"})
        session = answer.headers.get("X-Transmission-Session-Id", "")
        self.http.headers["X-Transmission-Session-Id"] = session
        return answer.status_code in {200, 409}

    def add(self, directory: Path) -> None:
        metainfo = b64encode(self.share.torrent.read_bytes()).decode()
        self._call("torrent-add", **{"download-dir": str(directory), "metainfo": metainfo})

    def is_complete(self) -> bool:
        fields = ["percentDone", "status"]
        found = self._call("torrent-get", ids=[self.share.info_hash], fields=fields)["torrents"]
        return any(each["percentDone"] == 1 and each["status"] == SEEDING for each in found)

    def _call(self, method: str, **arguments: Any) -> Any:
        body = {"method": method, "arguments": arguments}
        answer = self.http.post("/transmission/rpc", json=body).json()
        if answer["result"] != "success":
            raise OSError(f"transmission: {answer['result']}")
        return answer["arguments"]
