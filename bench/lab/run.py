"""Threads that act on hosts at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.lab.network import Host

T = TypeVar("T")


def everywhere(work: Sequence[tuple[Host, Callable[[], T]]]) -> list[T]:
    """Do each piece of work in a thread on its host, all at once; their results in order."""
    together = threading.Barrier(len(work))

    def one(host: Host, task: Callable[[], T]) -> T:
        host.enter()
        together.wait()
        return task()

    with ThreadPoolExecutor(len(work)) as threads:
        return [f.result() for f in [threads.submit(one, host, task) for host, task in work]]


def on(host: Host, work: Callable[[], T]) -> T:
    """Do something on a host, and wait for it."""
    (result,) = everywhere([(host, work)])
    return result
