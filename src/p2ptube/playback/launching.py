"""Players in a process of their own, which the user closes whenever he likes.

The process says one line once nothing is in the way of playing (`ready`), or why it cannot; so
whoever asked for the player learns of it, and libvlc is never loaded into the node.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable

from ..errors import InvalidInput, MediaError, P2PTubeError
from .players import check, play
from .subtitles import NO_SUBTITLES, Subtitles

log = logging.getLogger(__name__)

MODULE = "p2ptube.playback.launching"
READY = "ready"
SHOWN, OFFERED = "shown", "offered"
READY_SECONDS = 15.0


async def open_player(
    player: str, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES
) -> None:
    """Open `url` in a window on this machine; returns when the player is about to show it.

    `player` is `vlc` or `mpv`. Raises InvalidInput, in words, where it is not installed or there
    is no screen.
    """
    if not has_display():
        raise InvalidInput(f"there is no screen on this machine on which {player} could open")
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def answer(line: str) -> None:
        if not answered.done():
            answered.set_result(line)

    def tell(line: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(answer, line)

    # A thread, since only who waits for a process ends it as a zombie; and none of asyncio's
    # subprocesses, which are killed when the loop is closed.
    arguments = (player, _command(player, url, title, subtitles), tell)
    threading.Thread(target=_run, args=arguments, name=f"player {player}", daemon=True).start()
    line = await answered
    if line != READY:
        raise InvalidInput(line)


def has_display() -> bool:
    """Whether there is a screen on which a window could appear."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def run_player(
    player: str, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES
) -> None:
    """Play `url` in a process of its own, and return when that has ended.

    `player` is a key of `players.PLAYERS`, or a command. Being cancelled ends the player. Raises
    InvalidInput where it is not installed, MediaError where it cannot play this.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(player, url, title, subtitles),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # it is told by us when it is to end
        )
    except OSError as error:
        raise InvalidInput(f"{player} does not start: {error.strerror}") from error
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    lines = out.decode(errors="replace").splitlines()
    if not lines or lines[0] != READY:
        raise InvalidInput(lines[0] if lines else f"{player} does not start")
    if process.returncode != 0:
        raise MediaError(lines[-1] if len(lines) > 1 else f"{player} has crashed")


def _command(player: str, url: str, title: str, subtitles: Subtitles) -> list[str]:
    shown = SHOWN if subtitles.shown else OFFERED
    command = [sys.executable, "-P", "-m", MODULE]
    return [*command, player, url, title, shown, *subtitles.sources]


def _run(player: str, command: list[str], tell: Callable[[str], None]) -> None:
    """Run the process to its end; `tell` gets its first line."""
    try:
        with subprocess.Popen(  # noqa: S603  our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C at the node's terminal is not meant for the player
        ) as process:
            lines = process.stdout or ()
            first = _first_line(process, lines)
            tell(first or f"{player} does not start")
            for line in lines:
                log.warning("%s: %s", player, line.strip())
    except OSError as error:
        tell(f"{player} does not start: {error.strerror}")


def _first_line(process: subprocess.Popen[str], lines: Iterable[str]) -> str:
    guard = threading.Timer(READY_SECONDS, process.kill)
    guard.daemon = True
    guard.start()
    try:
        return next(iter(lines), "").strip()
    finally:
        guard.cancel()


def main(player: str, url: str, title: str, shown: str = OFFERED, *sources: str) -> int:
    """Say the line, and play; the process's exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends its player first
    try:
        check(player)
        _say(READY)
        play(player, url, title, Subtitles(sources, shown=shown == SHOWN))
    except KeyboardInterrupt:
        return 0
    except P2PTubeError as error:
        _say(" ".join(str(error).split()))
        return 1
    return 0


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # the node has ended
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
