"""What else a line carries: a TCP flow of another program, and packets whose wait is measured."""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator

from bench.lab.network import Host

FLOW_PORT, ECHO_PORT = 7001, 7002
CONGESTION_CONTROL = b"cubic"  # what most systems use, and it fills queues until packets are lost
PROBE_SECONDS = 0.02
LOST_SECONDS = 1.0
LOOK_SECONDS = 0.2
CHUNK = 1 << 16


class Sink:
    """Takes what flows send to a host, and sends back what probes send."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.received = 0
        self._over = threading.Event()
        self._ready = threading.Barrier(3)
        self._threads = [_at(host, self._take), _at(host, self._echo)]
        self._ready.wait(10)

    def close(self) -> None:
        """Take and send back nothing any more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def rate(self, seconds: float) -> float:
        """What comes within so many seconds, in bytes/s."""
        before, began = self.received, time.monotonic()
        time.sleep(seconds)
        return (self.received - before) / (time.monotonic() - began)

    def _take(self) -> None:
        with socket.create_server((self.host.address, FLOW_PORT)) as server:
            server.settimeout(LOOK_SECONDS)
            self._ready.wait(10)
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    flow, _ = server.accept()
                    with flow:
                        self._swallow(flow)

    def _swallow(self, flow: socket.socket) -> None:
        flow.settimeout(LOOK_SECONDS)
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                try:
                    chunk = flow.recv(CHUNK)
                except ConnectionError:
                    return
                if not chunk:
                    return
                self.received += len(chunk)

    def _echo(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((self.host.address, ECHO_PORT))
            sock.settimeout(LOOK_SECONDS)
            self._ready.wait(10)
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    packet, sender = sock.recvfrom(100)
                    sock.sendto(packet, sender)


class Probe:
    """Sends a small packet fifty times a second, as a call does, and notes when it comes back."""

    def __init__(self, host: Host, sink: Sink) -> None:
        self._address = sink.host.address, ECHO_PORT
        self._trips: list[tuple[float, float]] = []  # when it was sent, how long it was away
        self._over = threading.Event()
        self._thread = _at(host, self._run)

    def close(self) -> None:
        """Send nothing any more."""
        self._over.set()
        self._thread.join()

    def since(self, began: float) -> list[float]:
        """The round trips since then (of the monotonic clock), in seconds."""
        return [trip for sent, trip in self._trips.copy() if sent >= began]

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(self._address)
            number = 0
            while not self._over.is_set():
                sent = time.monotonic()
                number += 1
                self._trips.append((sent, _trip(sock, number, sent)))
                time.sleep(max(0.0, sent + PROBE_SECONDS - time.monotonic()))


def _trip(sock: socket.socket, number: int, sent: float) -> float:
    packet = number.to_bytes(8, "big")
    sock.send(packet)
    while (left := sent + LOST_SECONDS - time.monotonic()) > 0:
        sock.settimeout(left)
        with contextlib.suppress(TimeoutError, ConnectionError):
            if sock.recv(100) == packet:  # else it was given up before
                return time.monotonic() - sent
    return LOST_SECONDS


@contextlib.contextmanager
def flow(host: Host, sink: Sink) -> Iterator[None]:
    """Send to the sink as fast as TCP lets a program, until the block ends."""
    over = threading.Event()

    def send() -> None:
        with socket.socket() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL)
            sock.connect((sink.host.address, FLOW_PORT))
            sock.settimeout(LOOK_SECONDS)
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    sock.send(bytes(CHUNK))
            # What is not sent yet is not to be in the way of what is measured next.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    thread = _at(host, send)
    try:
        yield
    finally:
        over.set()
        thread.join()


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def mean(values: list[float]) -> float:
    """Their mean; 0 without any."""
    return statistics.fmean(values) if values else 0.0


def _at(host: Host, work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        host.enter()
        work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
