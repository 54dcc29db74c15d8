"""What a person types at the terminal, read in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterator

QUIT = frozenset(b"qQ")
MOST_TYPED = 4096


@contextlib.contextmanager
def typing(on_input: Callable[[bytes], None]) -> Iterator[None]:
    """Call `on_input` with what is typed; with nothing at its end.

    Raises NotImplementedError where the event loop cannot wait for a terminal (Windows).
    """
    loop = asyncio.get_running_loop()
    terminal = _opened()

    def read() -> None:
        try:
            typed = os.read(terminal, MOST_TYPED)
        except BlockingIOError:
            return
        except OSError:  # the terminal was closed
            typed = b""
        if not typed:
            loop.remove_reader(terminal)
        on_input(typed)

    try:
        loop.add_reader(terminal, read)
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_reader(terminal)
        os.close(terminal)


async def read_line() -> str | None:
    """A line, without its end; None where there is no more. Unlike input() it can be cancelled."""
    line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(typed: bytes) -> None:  # the terminal gives whole lines
        if not line.done():
            line.set_result(typed)

    try:
        with typing(take):
            text = (await line).decode(errors="replace")
    except NotImplementedError:
        text = await asyncio.to_thread(sys.stdin.readline)
    return text.strip() if text else None


@contextlib.contextmanager
def quitting(enabled: bool) -> Iterator[Awaitable[None]]:
    """Give what is done when the user presses the key to quit; never, where there are no keys."""
    pressed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        import termios
        import tty
    except ImportError:  # Windows: Ctrl-C it is
        yield pressed
        return
    if not (enabled and sys.stdin.isatty()):
        yield pressed
        return

    def look(typed: bytes) -> None:
        if QUIT & set(typed) and not pressed.done():
            pressed.set_result(None)

    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)
    try:
        with typing(look):
            yield pressed
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _opened() -> int:
    """Open the terminal of stdin once more.

    uvloop makes a file that it waits for non-blocking, and all three standard ones are usually one
    and the same: writing much to it would fail, in this program and in the shell after it.
    """
    stdin = sys.stdin.fileno()
    if not hasattr(os, "ttyname"):
        raise NotImplementedError("no terminal that can be waited for")
    for name in (os.ttyname, lambda _: "/dev/tty"):
        with contextlib.suppress(OSError):
            return os.open(name(stdin), os.O_RDONLY | os.O_NOCTTY)
    return os.dup(stdin)
