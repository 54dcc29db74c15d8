"""Players for the command line: each shows what a URL gives until its window is closed."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import Protocol

from ..errors import InvalidInput, MediaError
from .subtitles import NO_SUBTITLES, Subtitles
from .vlc_player import VlcPlayer

MPV_STOPPED = 4  # mpv's exit status after a signal


class Player(Protocol):
    """Something that plays a URL."""

    def check(self) -> None:
        """Raise InvalidInput where the player is not installed."""

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Play `url` and return when the user has closed the player or the video has ended.

        Raises InvalidInput where the player is not installed, MediaError where it cannot play
        this. KeyboardInterrupt ends the player and passes on.
        """


class MpvPlayer:
    """The program mpv."""

    def check(self) -> None:
        """See Player."""
        _mpv()

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Play `url` in a window of mpv; see Player."""
        command = [_mpv(), "--really-quiet", "--force-window=immediate"]
        command += [f"--sub-files-append={source}" for source in subtitles.sources]
        # mpv shows one that is given alone, and else what its own settings say.
        command += ["--sub-visibility=yes"] if subtitles.shown else []
        # The URL comes after "--", so that none is taken for an option.
        status = _run([*command, f"--force-media-title={title}", "--", url])
        if status not in {0, MPV_STOPPED}:
            raise MediaError(f"mpv cannot play this (exit status {status})")


def _mpv() -> str:
    program = shutil.which("mpv")
    if program is None:
        raise InvalidInput("mpv is not installed (package mpv)")
    return program


class CommandPlayer:
    """Any other program, which is given the URL as its last argument. No shell is involved."""

    def __init__(self, command: str) -> None:
        """`command` is the program and its options, quoted as for a shell."""
        self._command = command

    def check(self) -> None:
        """See Player."""
        program_of(self._command)

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Run it with `url`; see Player. How it wants to be told of subtitles is not known."""
        command = program_of(self._command)
        status = _run([*command, url])
        if status != 0:
            raise MediaError(f"{command[0]} ended with exit status {status}")


def program_of(command: str) -> list[str]:
    """The program, as a path, and its arguments. Raises InvalidInput where there is none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"not a command: {command!r} ({error})") from error
    program = shutil.which(words[0]) if words else None
    if program is None:
        names = ", ".join(PLAYERS)
        raise InvalidInput(f"no such player: {command!r} (there are {names}, and your programs)")
    return [program, *words[1:]]


def _run(command: list[str]) -> int:
    """Run a program to its end, and end it with us; its exit status."""
    quiet = subprocess.DEVNULL
    with (
        _held_back(signal.SIGTERM, signal.SIGINT) as let_through,
        subprocess.Popen(command, stdin=quiet, stdout=quiet) as process,  # noqa: S603
    ):
        try:
            let_through()
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


@contextlib.contextmanager
def _held_back(*numbers: signal.Signals) -> Iterator[Callable[[], None]]:
    """Let these signals wait, where they come, for the call of what is given.

    One in the middle of starting a program would leave it running, as nobody knows it yet.
    """
    if threading.current_thread() is not threading.main_thread():  # no signal comes here
        yield lambda: None
        return
    came: list[int] = []
    before = {n: signal.signal(n, lambda number, _: came.append(number)) for n in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def let_through() -> None:
        restore()
        for held in came:
            signal.raise_signal(held)

    try:
        yield let_through
    finally:
        restore()


class BrowserPlayer:
    """The user's web browser, which opens the watch page."""

    def check(self) -> None:
        """Nothing can be told before."""

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Open the page `url` and return at once, as nobody tells when a page is closed."""
        if not webbrowser.open(url):
            raise InvalidInput(f"no web browser was found; open {url} yourself")


class NoPlayer:
    """Plays nothing: for those who use the URL elsewhere."""

    def check(self) -> None:
        """Nothing is needed."""

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Return at once."""


PLAYERS: dict[str, type[Player]] = {
    "browser": BrowserPlayer,
    "vlc": VlcPlayer,
    "mpv": MpvPlayer,
    "none": NoPlayer,
}


def check(player: str) -> None:
    """Raise InvalidInput where the player (a key of PLAYERS, or a command) is not installed."""
    _player(player).check()


def play(player: str, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
    """Play `url` with the player of this name (a key of PLAYERS, or a command); see Player.

    For `browser` the URL is that of a page, for the others that of a stream.
    """
    _player(player).play(url, title, subtitles)


def _player(name: str) -> Player:
    if name in PLAYERS:
        return PLAYERS[name]()
    program_of(name)
    return CommandPlayer(name)
