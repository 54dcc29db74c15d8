"""nginx with curl: what a video server without peers does."""

from __future__ import annotations

import http.client
import shutil
import subprocess
from typing import Any
from urllib.parse import quote

from bench.lab.clients.base import Client, stream, until
from bench.servers import nginx_command

PORT = 80


class Nginx(Client):
    """The origin runs nginx. Viewers fetch with curl, or play from it with nothing between."""

    name = "nginx + curl"
    plays = True
    tracker = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._origin = self.host.address
        self._curl: subprocess.Popen[Any] | None = None

    @classmethod
    def missing(cls) -> str | None:
        absent = [name for name in ("nginx", "curl") if shutil.which(name) is None]
        return f"{' and '.join(absent)} not installed" if absent else None

    def start_origin(self, first: Client | None) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        files = self.share.clip.parent
        self.run(*nginx_command(self.directory, files, self.host.address, PORT))
        until((self.directory / "nginx.pid").exists, "nginx did not start")

    def start_viewer(self, origin: Client) -> None:
        self._origin = origin.host.address

    def click(self, *, watching: bool) -> None:
        if not watching:
            url = f"http://{self._origin}:{PORT}{self._path}"
            target = self.downloads / self.share.clip.name
            self._curl = self.run("curl", "--silent", "--fail", "--output", str(target), url)

    def is_complete(self) -> bool:
        if self._curl is None or self._curl.poll() is None:
            return False
        if self._curl.returncode != 0:
            raise OSError(f"curl ended with {self._curl.returncode}")
        return True

    def open(self, first: int = 0) -> http.client.HTTPResponse:
        return stream(self._origin, PORT, self._path, first)

    @property
    def _path(self) -> str:
        return f"/{quote(self.share.clip.name)}"
