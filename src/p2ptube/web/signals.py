"""Signals that ask a process to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator

# Windows has no SIGHUP.
ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextlib.contextmanager
def on_signals(first: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first signal to end; the second ends the process at once.

    These are SIGINT (Ctrl-C), SIGTERM, and SIGHUP (the terminal was closed).
    """
    loop = asyncio.get_running_loop()
    seen = False

    def handle() -> None:
        nonlocal seen
        if seen:
            os._exit(1)
        seen = True
        first()

    handled = []
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in ENDING_SIGNALS:
            # `nohup` has SIGHUP ignored, which means: go on when the terminal is closed.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, handle)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
