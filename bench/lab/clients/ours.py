"""Our own node: `p2ptube serve` with its default settings."""

from __future__ import annotations

import http.client
import os
import threading
from pathlib import Path

from bench.lab.clients.base import Client, Share
from bench.lab.network import Host
from bench.lab.node import LabNode


class Ours(Client):
    """A viewer joined the origin and found the video before its user clicks."""

    name = "p2ptube"
    plays = True
    tracker = False

    def __init__(self, host: Host, directory: Path, share: Share) -> None:
        super().__init__(host, directory, share)
        self.node = LabNode(host, directory, dict(os.environ))

    def start_origin(self, first: Client | None) -> None:
        self._start(first)
        self.node.add(self.share.clip)

    def start_viewer(self, origin: Client) -> None:
        self._start(origin)
        self.node.find(self.share.clip.stem)

    def click(self, *, watching: bool) -> None:
        self.node.fetch(self.share.info_hash)

    def is_complete(self) -> bool:
        return self.node.is_complete(self.share.info_hash)

    def wait_complete(self, until: float, enough: threading.Event) -> bool:
        return self.node.wait_complete(self.share.info_hash, until)

    def open(self, first: int = 0) -> http.client.HTTPResponse:
        return self.node.stream(self.share.info_hash, first)

    def lacks(self, first: int) -> bool:
        return self.node.lacks(self.share.info_hash, first)

    def stop(self) -> None:
        self.node.stop()

    def _start(self, neighbour: Client | None) -> None:
        assert neighbour is None or isinstance(neighbour, Ours)
        self.node.start(None if neighbour is None else neighbour.node.peer_id)
        self.node.wait_ready()
