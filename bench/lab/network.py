"""A network of this machine's own: hosts in namespaces on a switch, their links shaped.

Needs root and the kernel's network namespaces, veth pairs, bridges and the token bucket filter
(tbf). Nothing of it is visible to, or reaches, the machine's real network.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.lab.bound import Link

# Reserved for measurements (RFC 2544), and, unlike 10.0.0.0/8, no local network to a BitTorrent
# client: those never choke a local peer.
PREFIX = "198.18.0"
CLONE_NEWNET = 0x40000000
BURST_BYTES = 20_000
QUEUE_MILLISECONDS = 100
# What Linux, macOS and Windows come with, whatever this machine has set.
CONGESTION = ("congctl", "cubic")

_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Host:
    """One host: its namespace, its address, and the processes that run on it."""

    name: str
    address: str
    link: Link
    port: str  # the switch's end of its cable
    _processes: list[subprocess.Popen[Any]] = field(default_factory=list)

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program on the host; it is killed with the network."""
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *command], **options)
        self._processes.append(process)
        return process

    def enter(self) -> None:
        """Move the calling thread to the host: its new sockets are the host's."""
        if threading.current_thread() is threading.main_thread():
            raise RuntimeError("the main thread stays where it is")
        handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if _libc.setns(handle, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
        finally:
            os.close(handle)

    def sent(self) -> int:
        """The bytes that the host has sent so far, headers included."""
        return self._counter("rx_bytes")

    def received(self) -> int:
        """The bytes that were sent to the host and that its link did not drop."""
        return self._counter("tx_bytes")

    def _counter(self, name: str) -> int:
        # Of the switch's end of the cable, where directions are the other way round.
        return int(Path(f"/sys/class/net/{self.port}/statistics/{name}").read_text())

    def ended(self) -> list[int]:
        """The exit codes of the programs that do not run any more; negative: the signal."""
        codes = [process.poll() for process in self._processes]
        return [code for code in codes if code is not None]

    def stop(self) -> None:
        """Kill what runs on the host, and what that has started there."""
        for process in self._processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was not taken any more
                        pipe.close()
        self._processes.clear()
        left = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, check=False)
        for pid in left.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


class Network:
    """A switch and its hosts. Use it as a context manager."""

    def __init__(self) -> None:
        # Unlike that of the one before: the kernel takes its time to remove a namespace's links.
        self._tag = f"{os.getpid() % 100_000}x{next(_numbers)}"
        self._switch = f"lab{self._tag}"
        self.hosts: list[Host] = []

    def __enter__(self) -> Network:
        _ip("link", "add", self._switch, "type", "bridge")
        _ip("link", "set", self._switch, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            host.stop()
            _ip("link", "del", host.port, check=False)
            _ip("netns", "del", host.name, check=False)
        _ip("link", "del", self._switch, check=False)

    def add(self, link: Link) -> Host:
        """Plug one more host in."""
        number = len(self.hosts) + 1
        name, port = f"lab{self._tag}h{number}", f"lab{self._tag}p{number}"
        host = Host(name, f"{PREFIX}.{number}", link, port)
        _ip("netns", "add", name)
        self.hosts.append(host)
        _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", port, "master", self._switch, "up")
        for command in (
            ("addr", "add", f"{host.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "dev", "eth0"),
            ("route", "change", f"{PREFIX}.0/24", "dev", "eth0", "src", host.address, *CONGESTION),
        ):
            _ip("-netns", name, *command)
        if link.up:
            _run("tc", "-netns", name, "qdisc", "add", "dev", "eth0", *_shape(link.up))
        if link.down:
            _run("tc", "qdisc", "add", "dev", port, *_shape(link.down))
        return host


@contextlib.contextmanager
def network(*links: Link) -> Iterator[list[Host]]:
    """A network of hosts with these links, gone with the block."""
    with Network() as made:
        yield [made.add(link) for link in links]


def _shape(megabits: float) -> tuple[str, ...]:
    rate, queue = f"{megabits}mbit", f"{QUEUE_MILLISECONDS}ms"
    return ("root", "tbf", "rate", rate, "burst", str(BURST_BYTES), "latency", queue)


def _ip(*arguments: str, check: bool = True) -> None:
    _run("ip", *arguments, check=check)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
