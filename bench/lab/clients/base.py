"""What is measured: a program on a host, as the origin of a video or as its viewer."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
from bench.lab.network import Host

from p2ptube.swarm.publish import hash_file

LOOK_SECONDS = 0.2
START_SECONDS = 60.0
STOP_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 600.0
PEER_PORT = 6881
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Share:
    """The video of a run: its file, its torrent, and the tracker where its peers meet."""

    clip: Path
    seconds: float
    torrent: Path
    info_hash: str
    tracker: str

    @classmethod
    def of(cls, clip: Path, seconds: float, tracker: str, directory: Path) -> Share:
        """Make the torrent: the same for every program, with the piece length of ours."""
        hashed = hash_file(clip, lambda _: None)
        url = tracker.encode()
        torrent = directory / f"{clip.stem}.torrent"
        torrent.write_bytes(b"d8:announce%d:%b4:info%be" % (len(url), url, hashed.info))
        return cls(clip, seconds, torrent, hashed.info_hash, tracker)

    @property
    def size(self) -> int:
        return self.clip.stat().st_size

    @property
    def bytes_per_second(self) -> float:
        """The bit rate of the video, in bytes."""
        return self.size / self.seconds


class Client(ABC):
    """A program on a host, with its default settings.

    Its constructor does nothing. The methods belong in a thread that has entered the host, in the
    order in which they stand here; `stop` may come from anywhere and at any time.
    """

    name: ClassVar[str]
    plays: ClassVar[bool] = False  # while it fetches, over HTTP
    fetches: ClassVar[bool] = True  # keeps all of the file
    tracker: ClassVar[bool] = True  # it finds its peers at one

    def __init__(self, host: Host, directory: Path, share: Share) -> None:
        self.host, self.directory, self.share = host, directory, share
        self._processes: list[subprocess.Popen[Any]] = []

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be measured on this machine, if so."""
        return None

    @abstractmethod
    def start_origin(self, first: Client | None) -> None:
        """Share the file and return when others can have it. `first`: the origin before it."""

    @abstractmethod
    def start_viewer(self, origin: Client) -> None:
        """Start it and let it wait for the click; it knows what a user's program then knows."""

    @abstractmethod
    def click(self, *, watching: bool) -> None:
        """Begin to fetch."""

    @abstractmethod
    def is_complete(self) -> bool:
        """Whether all of the file is here."""

    def wait_complete(self, until: float, enough: threading.Event) -> bool:
        """Wait for it; False when the monotonic clock reaches `until`, or `enough` is set."""
        while not self.is_complete():
            if time.monotonic() >= until or enough.wait(LOOK_SECONDS):
                return False
        return True

    def open(self, first: int = 0) -> http.client.HTTPResponse:
        """The bytes of the video from `first` on, as they come."""
        raise NotImplementedError

    def lacks(self, first: int) -> bool:
        """Whether the byte is not here yet; True where the program cannot tell."""
        return True

    def stop(self) -> None:
        """End it as its user would."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()

    # --- for the programs ----------------------------------------------------------------------

    def run(self, *command: str, **options: Any) -> subprocess.Popen[Any]:
        """Start its process; what it says goes to the file `log` in its directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            process = self.host.start([*command], **(streams | options))
        self._processes.append(process)
        return process

    @property
    def downloads(self) -> Path:
        """Where a viewer's file comes to lie."""
        path = self.directory / "downloads"
        path.mkdir(parents=True, exist_ok=True)
        return path


class Daemon(Client):
    """A program that takes orders over HTTP on the loopback interface."""

    port: ClassVar[int]

    def __init__(self, host: Host, directory: Path, share: Share) -> None:
        super().__init__(host, directory, share)
        self.http = httpx.Client(base_url=f"http://{LOOPBACK}:{self.port}", timeout=20)

    @abstractmethod
    def launch(self) -> None:
        """Write its settings and start its process."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes orders; httpx.TransportError when it does not even listen."""

    @abstractmethod
    def add(self, directory: Path) -> None:
        """Begin with the torrent, whose file is, or comes to be, in `directory`."""

    def start_origin(self, first: Client | None) -> None:
        self.begin()
        self.add(self.share.clip.parent)
        until(self.is_complete, f"{self.name} did not find its file complete")

    def start_viewer(self, origin: Client) -> None:
        self.begin()

    def click(self, *, watching: bool) -> None:
        self.add(self.downloads)

    def begin(self) -> None:
        """Start it and wait until it takes orders."""
        self.launch()
        until(self._listens, f"{self.name} does not answer")

    def _listens(self) -> bool:
        if self._processes[-1].poll() is not None:
            said = (self.directory / "log").read_text(errors="replace")
            raise OSError(f"{self.name} ended: {said[-500:]}")
        with contextlib.suppress(httpx.TransportError):
            return self.answers()
        return False


def until(look: Any, complaint: str, seconds: float = START_SECONDS) -> None:
    """Wait until `look()` is true; OSError with the complaint when it takes too long."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            raise OSError(complaint)
        time.sleep(0.05)


def stream(
    host: str, port: int, path: str, first: int, headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    """GET from the byte `first` on, as a player asks for it."""
    connection = http.client.HTTPConnection(host, port, timeout=READ_TIMEOUT_SECONDS)
    asked = {"Range": f"bytes={first}-"} if first else {}
    connection.request("GET", path, headers={**(headers or {}), **asked})
    response = connection.getresponse()
    if response.status != (206 if first else 200):
        raise OSError(f"{path} answered {response.status}: {response.read(300)!r}")
    return response
