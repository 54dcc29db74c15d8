"""qbittorrent-nox."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
from bench.lab.clients.base import LOOPBACK, PEER_PORT, Daemon


class QBittorrent(Daemon):
    """Not in its sequential mode: it is measured with whole files only."""

    name = "qBittorrent"
    port = 8080

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("qbittorrent-nox") else "qbittorrent-nox is not installed"

    def launch(self) -> None:
        config = self.directory / "qBittorrent" / "config"
        config.mkdir(parents=True)
        # What it reports is at most a quarter of a second old (RefreshInterval, usually 1.5 s).
        (config / "qBittorrent.conf").write_text(
            "[LegalNotice]\nAccepted=true\n"
            "[BitTorrent]\n"
            f"Session\\Port={PEER_PORT}\n"
            "Session\\DHTEnabled=false\nSession\\RefreshInterval=250\n"
            "[Network]\nPortForwardingEnabled=false\n"
            "[Preferences]\n"
            f"WebUI\\Address={LOOPBACK}\nWebUI\\LocalHostAuth=false\nWebUI\\UseUPnP=false\n"
        )
        self.run("qbittorrent-nox", f"--profile={self.directory}", f"--webui-port={self.port}")

    def answers(self) -> bool:
        return self.http.get("/api/v2/app/version").status_code == 200

    def add(self, directory: Path) -> None:
        files = {"torrents": self.share.torrent.read_bytes()}
        answer = self._call("POST", "add", data={"savepath": str(directory)}, files=files)
        if answer.text != "Ok.":
            raise OSError(f"qBittorrent: {answer.text}")

    def is_complete(self) -> bool:
        found = self._call("GET", "info", params={"hashes": self.share.info_hash}).json()
        seeding = {"uploading", "stalledUP", "queuedUP", "forcedUP"}
        return any(each["progress"] == 1 and each["state"] in seeding for each in found)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, f"/api/v2/torrents/{path}", **options).raise_for_status()
