"""Players for the command line: each shows what a URL gives until its window is closed."""

from __future__ import annotations

import shutil
import subprocess
import webbrowser
from typing import Protocol

from ..errors import InvalidInput, MediaError
from .vlc_player import VlcPlayer

MPV_STOPPED = 4  # mpv's exit status after a signal


class Player(Protocol):
    """Something that plays a URL."""

    def check(self) -> None:
        """Raise InvalidInput where the player is not installed."""

    def play(self, url: str, title: str) -> None:
        """Play `url` and return when the user has closed the player or the video has ended.

        Raises InvalidInput where the player is not installed, MediaError where it cannot play
        this. KeyboardInterrupt ends the player and passes on.
        """


class MpvPlayer:
    """The program mpv."""

    def check(self) -> None:
        """See Player."""
        _mpv()

    def play(self, url: str, title: str) -> None:
        """Play `url` in a window of mpv; see Player."""
        command = [_mpv(), "--really-quiet", "--force-window=immediate"]
        # The URL comes after "--", so that none is taken for an option.
        with subprocess.Popen([*command, f"--force-media-title={title}", "--", url]) as process:  # noqa: S603
            try:
                status = process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if status not in {0, MPV_STOPPED}:
            raise MediaError(f"mpv cannot play this (exit status {status})")


def _mpv() -> str:
    program = shutil.which("mpv")
    if program is None:
        raise InvalidInput("mpv is not installed (package mpv)")
    return program


class BrowserPlayer:
    """The user's web browser, which opens the watch page."""

    def check(self) -> None:
        """Nothing can be told before."""

    def play(self, url: str, title: str) -> None:
        """Open the page `url` and return at once, as nobody tells when a page is closed."""
        if not webbrowser.open(url):
            raise InvalidInput(f"no web browser was found; open {url} yourself")


class NoPlayer:
    """Plays nothing: for those who use the URL elsewhere."""

    def check(self) -> None:
        """Nothing is needed."""

    def play(self, url: str, title: str) -> None:
        """Return at once."""


PLAYERS: dict[str, type[Player]] = {
    "browser": BrowserPlayer,
    "vlc": VlcPlayer,
    "mpv": MpvPlayer,
    "none": NoPlayer,
}


def check(player: str) -> None:
    """Raise InvalidInput where the player of this name (a key of PLAYERS) is not installed."""
    _player(player).check()


def play(player: str, url: str, title: str) -> None:
    """Play `url` with the player of this name (a key of PLAYERS); see Player.

    For `browser` the URL is that of a page, for the others that of a stream.
    """
    _player(player).play(url, title)


def _player(name: str) -> Player:
    if name not in PLAYERS:
        raise InvalidInput(f"no such player: {name!r} (there are {', '.join(PLAYERS)})")
    return PLAYERS[name]()
