"""The trackers that are measured: ours, bittorrent-tracker (npm) and opentracker (Debian)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.npm import rivals
from bench.servers import LOOPBACK, free_port, running
from bench.tracker_load import info_hashes

OURS = "p2ptube"
NPM = "bittorrent-tracker"
DEBIAN = "opentracker"
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A running tracker: what it uses of the machine."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def memory(self) -> int:
        """Its memory that is in RAM, in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def processor(self) -> float:
        """The processor time that it took, in seconds, of its own and of the system for it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def installed() -> list[str]:
    """The trackers there are."""
    names = [OURS]
    if rivals() is not None:
        names.append(NPM)
    if shutil.which("opentracker") is not None:
        names.append(DEBIAN)
    return names


@contextlib.contextmanager
def tracker(name: str, directory: Path) -> Iterator[Program]:
    """Run a tracker until the block ends."""
    if name == OURS:
        with _ours(directory) as program:
            yield program
        return
    port = free_port()
    command = {
        NPM: ["node", "serve.js", str(port)],
        DEBIAN: ["opentracker", *_opentracker(directory), "-p", str(port), "-P", str(port)],
    }[name]
    with running(command, port, rivals() if name == NPM else directory) as pid:
        yield Program(pid, port)


def _opentracker(directory: Path) -> list[str]:
    # It gives up its rights before it looks into its directory; and Debian's wants to be told
    # which info-hashes it may serve.
    directory.chmod(0o755)
    hashes = "".join(f"{each.hex()}\n" for each in info_hashes())
    (directory / "allowed").write_text(hashes)
    return ["-i", LOOPBACK, "-d", str(directory), "-w", "allowed"]


@contextlib.contextmanager
def _ours(directory: Path) -> Iterator[Program]:
    command = [sys.executable, "-m", "p2ptube", "tracker", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(directory / "ours")],
        stdout=subprocess.PIPE,
        env={**os.environ, "P2PTUBE_HOST": LOOPBACK},
    )
    try:
        assert process.stdout is not None
        yield Program(process.pid, json.loads(process.stdout.readline())["port"])
    finally:
        process.terminate()
        process.wait()
