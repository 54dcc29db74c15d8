"""BitTorrent programs of other people, as processes of their own on the loopback interface.

Each looks for peers at trackers only: no DHT, no peer exchange, no local discovery. `add` begins
to fetch a torrent, or to seed it where its file is there already.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import libtorrent as lt
import pytest
from tests.nodes import NodeProcess

Source = str | Path  # a magnet link, or a .torrent file

STOP_SECONDS = 20
# Below the ports that systems hand out by themselves (from 32768 on Linux).
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 that is free over TCP and UDP: for programs that cannot be told 0."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            return port


class Program(ABC):
    """A BitTorrent client."""

    # Whether it dials peers of the loopback interface that a tracker names.
    dials_loopback: ClassVar[bool] = True
    # Whether it may ask a tracker over UDP.
    udp: ClassVar[bool] = True

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it takes orders."""

    @abstractmethod
    def stop(self) -> None:
        """End it."""

    @abstractmethod
    def add(self, source: Source, directory: Path) -> None:
        """Begin with a torrent; its file is, or comes to be, in `directory`."""

    @abstractmethod
    def is_complete(self, info_hash: str) -> bool:
        """Whether it has all of a torrent, and shares it."""

    @abstractmethod
    def describe(self, info_hash: str) -> Any:
        """What it says of a torrent, for people who look for a fault."""

    def until_complete(self, info_hash: str) -> None:
        def look() -> tuple[bool, Any]:
            return self.is_complete(info_hash), self.describe(info_hash)

        NodeProcess.until(look, lambda seen: seen[0], 60)


class Daemon(Program):
    """A program that takes orders over HTTP."""

    executable: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        if shutil.which(self.executable) is None:
            pytest.skip(f"{self.executable} is not installed (scripts/install-test-tools.sh)")
        self.folder = folder
        self.port, self.peer_port = free_port(), free_port()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    @abstractmethod
    def _command(self) -> list[str]:
        """Write its settings; its command line."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it takes orders; raises httpx.TransportError when it does not even listen."""

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        command = self._command()
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        NodeProcess.until(self._listens, bool)

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            said = (self.folder / "log").read_text(errors="replace")
            raise AssertionError(f"{self.executable} ended: {said}")
        with contextlib.suppress(httpx.TransportError):
            return self._answers()
        return False

    def stop(self) -> None:
        self._http.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Transmission(Daemon):
    """transmission-daemon."""

    executable = "transmission-daemon"
    dials_loopback = False  # it takes 127.0.0.0/8 from a tracker for a lie

    def _command(self) -> list[str]:
        settings = {
            "bind-address-ipv4": "127.0.0.1",
            "bind-address-ipv6": "::1",
            "dht-enabled": False,
            "lpd-enabled": False,
            "pex-enabled": False,
            "utp-enabled": False,
            "port-forwarding-enabled": False,
            "peer-port": self.peer_port,
            "rpc-bind-address": "127.0.0.1",
            "rpc-port": self.port,
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))
        return [self.executable, "--foreground", "--config-dir", str(self.folder)]

    def _answers(self) -> bool:
        # The first answer is a refusal that tells the session's id.
        answer = self._http.post("/transmission/rpc", json={"method": "session-get"})
        self._http.headers["X-Transmission-Session-Id"] = answer.headers.get(
            "X-Transmission-Session-Id", ""
        )
        return answer.status_code in {200, 409}

    def _call(self, method: str, **arguments: Any) -> Any:
        body = {"method": method, "arguments": arguments}
        answer = self._http.post("/transmission/rpc", json=body).json()
        assert answer["result"] == "success", answer
        return answer["arguments"]

    def add(self, source: Source, directory: Path) -> None:
        what = (
            {"metainfo": b64encode(source.read_bytes()).decode()}
            if isinstance(source, Path)
            else {"filename": source}
        )
        self._call("torrent-add", **{"download-dir": str(directory)}, **what)

    def is_complete(self, info_hash: str) -> bool:
        torrent = self.describe(info_hash)
        return bool(torrent["percentDone"] == 1 and torrent["status"] == 6)  # seeding

    def describe(self, info_hash: str) -> Any:
        fields = ["percentDone", "status", "errorString", "metadataPercentComplete"]
        fields += ["trackerStats", "peers"]
        return self._call("torrent-get", ids=[info_hash], fields=fields)["torrents"][0]


class Aria2(Daemon):
    """aria2c, as a server of JSON-RPC."""

    executable = "aria2c"

    def _command(self) -> list[str]:
        return [
            *(self.executable, "--no-conf", "--enable-rpc", f"--rpc-listen-port={self.port}"),
            *(f"--listen-port={self.peer_port}", "--interface=127.0.0.1", "--disable-ipv6"),
            *("--enable-peer-exchange=false", "--bt-enable-lpd=false", "--enable-dht6=false"),
            # It speaks to UDP trackers through the socket of its DHT, which knows nobody here.
            *("--enable-dht=true", f"--dht-listen-port={self.peer_port}"),
            *(f"--dht-file-path={self.folder / 'dht.dat'}", "--seed-ratio=0.0"),
            *("--check-integrity=true", "--file-allocation=none", "--follow-torrent=mem"),
        ]

    def _answers(self) -> bool:
        self._call("getVersion")
        return True

    def _call(self, method: str, *parameters: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": f"aria2.{method}", "params": parameters}
        answer = self._http.post("/jsonrpc", json=body).json()
        assert "error" not in answer, answer
        return answer["result"]

    def add(self, source: Source, directory: Path) -> None:
        options = {"dir": str(directory)}
        if isinstance(source, Path):
            self._call("addTorrent", b64encode(source.read_bytes()).decode(), [], options)
        else:
            self._call("addUri", [source], options)

    def is_complete(self, info_hash: str) -> bool:
        # Of a magnet link there are two: the download of the metadata, and that of the file.
        return any(
            entry.get("seeder") == "true" and entry["completedLength"] == entry["totalLength"]
            for entry in self.describe(info_hash)
            if entry["status"] == "active" and entry["totalLength"] != "0"
        )

    def describe(self, info_hash: str) -> Any:
        entries = self._call("tellActive") + self._call("tellStopped", 0, 100)
        return [entry for entry in entries if entry.get("infoHash") == info_hash]


class QBittorrent(Daemon):
    """qbittorrent-nox."""

    executable = "qbittorrent-nox"

    def _command(self) -> list[str]:
        config = self.folder / "qBittorrent" / "config"
        config.mkdir(parents=True)
        (config / "qBittorrent.conf").write_text(
            "[LegalNotice]\nAccepted=true\n"
            "[BitTorrent]\n"
            f"Session\\Port={self.peer_port}\n"
            "Session\\InterfaceAddress=127.0.0.1\n"
            "Session\\DHTEnabled=false\nSession\\LSDEnabled=false\nSession\\PeXEnabled=false\n"
            "Session\\QueueingSystemEnabled=false\n"
            "[Network]\nPortForwardingEnabled=false\n"
            "[Preferences]\n"
            "WebUI\\Address=127.0.0.1\nWebUI\\LocalHostAuth=false\nWebUI\\UseUPnP=false\n"
        )
        return [self.executable, f"--profile={self.folder}", f"--webui-port={self.port}"]

    def _answers(self) -> bool:
        return self._http.get("/api/v2/app/version").status_code == 200

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._http.request(method, f"/api/v2/torrents/{path}", **options)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer

    def add(self, source: Source, directory: Path) -> None:
        data, files = {"savepath": str(directory)}, {}
        if isinstance(source, Path):
            files = {"torrents": source.read_bytes()}
        else:
            data["urls"] = source
        answer = self._call("POST", "add", data=data, files=files)
        assert answer.text == "Ok.", answer.text

    def is_complete(self, info_hash: str) -> bool:
        torrents = self._call("GET", "info", params={"hashes": info_hash}).json()
        return any(
            torrent["progress"] == 1 and torrent["state"] in {"uploading", "stalledUP"}
            for torrent in torrents
        )

    def describe(self, info_hash: str) -> Any:
        torrents = self._call("GET", "info", params={"hashes": info_hash}).json()
        if not torrents:
            return "not added yet"
        return torrents, self._call("GET", "trackers", params={"hash": info_hash}).json()


class Libtorrent(Program):
    """A bare session of libtorrent, with its default tuning, in this process."""

    # It has one connection id for all UDP trackers of an address, whatever their ports, and other
    # tests of this process ask others: see test_tracker_libtorrent.py, which asks over UDP.
    udp = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        self._session = lt.session(
            {
                "listen_interfaces": "127.0.0.1:0",
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
            }
        )

    def stop(self) -> None:
        del self._session

    def add(self, source: Source, directory: Path) -> None:
        params = (
            lt.load_torrent_file(str(source))
            if isinstance(source, Path)
            else lt.parse_magnet_uri(source)
        )
        params.save_path = str(directory)
        self._session.add_torrent(params)

    def is_complete(self, info_hash: str) -> bool:
        return bool(self._handle(info_hash).status().is_seeding)

    def describe(self, info_hash: str) -> Any:
        handle = self._handle(info_hash)
        return str(handle.status().state), handle.trackers()

    def _handle(self, info_hash: str) -> lt.torrent_handle:
        return self._session.find_torrent(lt.sha1_hash(bytes.fromhex(info_hash)))


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    """Start a program, and end it with the block."""
    program.start()
    try:
        yield program
    finally:
        program.stop()
