"""The streaming clients of npm, over TCP: webtorrent and peerflix."""

from __future__ import annotations

import http.client
import subprocess
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from bench.lab.clients.base import LOOPBACK, START_SECONDS, Client, stream
from bench.npm import rivals

PORT = 8888


class NodeClient(Client):
    """A program behind bench/rivals/peer.js, which starts the same library that its command does.

    It was started before the click, so that the time that node.js needs does not count.
    """

    plays = True
    program: ClassVar[str]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._said: dict[str, str] = {}  # the rest of the latest line by its first word
        self._news = threading.Condition()
        self._input: Any = None

    @classmethod
    def missing(cls) -> str | None:
        return None if rivals() is not None else "npm could not install it"

    def start_origin(self, first: Client | None) -> None:
        self._launch(str(self.share.clip.parent))
        self.click(watching=False)
        self._wait("complete")

    def start_viewer(self, origin: Client) -> None:
        self._launch(str(self.downloads))

    def click(self, *, watching: bool) -> None:
        self._tell("go")

    def is_complete(self) -> bool:
        return "complete" in self._said

    def open(self, first: int = 0) -> http.client.HTTPResponse:
        self._wait("serving")
        return stream(LOOPBACK, PORT, self._said["serving"], first)

    def lacks(self, first: int) -> bool:
        self._wait("serving")
        self._tell(str(first))
        answers = {"has", "lacks"}
        with self._news:
            self._wait_for(lambda: any(self._said.get(word) == str(first) for word in answers))
            return self._said.get("lacks") == str(first)

    def _tell(self, line: str) -> None:
        self._input.write(f"{line}\n")
        self._input.flush()

    def _launch(self, directory: str) -> None:
        folder = rivals()
        assert folder is not None, "missing() told"
        process = self.run(
            *("node", str(folder / "peer.js"), self.program, str(self.share.torrent)),
            *(directory, str(PORT)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._input = process.stdin
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        self._wait("ready")

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            word, _, rest = line.strip().partition(" ")
            with self._news:
                self._said[word] = rest
                self._news.notify_all()

    def _wait(self, word: str) -> None:
        with self._news:
            self._wait_for(lambda: word in self._said)

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        if not self._news.wait_for(condition, START_SECONDS):
            raise OSError(f"{self.name} said no more than {', '.join(self._said)}")


class Webtorrent(NodeClient):
    """The library of webtorrent-cli and WebTorrent Desktop."""

    name = "webtorrent"
    program = "webtorrent"


class Peerflix(NodeClient):
    """The library behind the command of that name, with its own web server."""

    name = "peerflix"
    program = "peerflix"
