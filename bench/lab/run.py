"""Threads that act on hosts at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.lab.network import Host

T = TypeVar("T")


def everywhere(work: Sequence[tuple[Host, Callable[[], T]]]) -> list[T]:
    """Do each piece of work in a thread on its host, all at once; their results in order.

    Raises the failure of the first in order that failed, when all have ended. An interruption is
    passed on at once: the threads end when the network is taken down.
    """
    together = threading.Barrier(len(work))

    def one(host: Host, task: Callable[[], T]) -> T:
        host.enter()
        together.wait()
        return task()

    threads = ThreadPoolExecutor(len(work))
    try:
        futures = [threads.submit(one, host, task) for host, task in work]
        failures = [future.exception() for future in futures]
    except BaseException:
        threads.shutdown(wait=False)
        raise
    threads.shutdown()
    for failure in failures:
        if failure is not None:
            raise failure
    return [future.result() for future in futures]


def on(host: Host, work: Callable[[], T]) -> T:
    """Do something on a host, and wait for it."""
    (result,) = everywhere([(host, work)])
    return result
