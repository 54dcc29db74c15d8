"""VLC as a library (libvlc 3, through python-vlc).

libvlc's own window cannot be closed by the user: its close button does nothing. So where there is
X11 and Tk, VLC draws into a window of ours, which has a few keys, too; elsewhere it opens its own.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput, MediaError
from .subtitles import NO_SUBTITLES, Subtitles

if TYPE_CHECKING:
    import tkinter

STEP = 10_000  # milliseconds that the arrow keys seek
LOUDER = 5  # percent of volume
READABLE = 1 << 1  # Tcl's TCL_READABLE
OPTIONS = ("--quiet", "--no-video-title-show")


class VlcPlayer:
    """Plays with libvlc. `on_time` is told the position in seconds as it advances."""

    def __init__(self, on_time: Callable[[float], None] | None = None) -> None:
        self._on_time = on_time

    def check(self) -> None:
        """Raise InvalidInput where python-vlc, libvlc or VLC's plugins are missing."""
        _new_instance(_import_vlc()).release()

    def play(self, url: str, title: str, subtitles: Subtitles = NO_SUBTITLES) -> None:
        """Play `url` until its end or until the window is closed; see players.Player."""
        vlc = _import_vlc()
        window = _open_window(title)
        try:
            self._play(vlc, window, url, title, subtitles)
        finally:
            if window is not None:
                window.close()

    def _play(
        self, vlc: Any, window: _Window | None, url: str, title: str, subtitles: Subtitles
    ) -> None:
        instance = _new_instance(vlc)
        player = instance.media_player_new()
        media = instance.media_new(url)
        media.set_meta(vlc.Meta.Title, title)
        player.set_media(media)
        try:
            failed = self._run(vlc, player, window, subtitles)
        finally:
            player.stop()
            player.release()
            media.release()
            instance.release()
        if failed:
            raise MediaError(f"VLC cannot play {title!r}")

    def _run(self, vlc: Any, player: Any, window: _Window | None, subtitles: Subtitles) -> bool:
        """Play and wait; return whether it failed. Callbacks run in threads of libvlc."""
        failed, ended = threading.Event(), threading.Event()

        def end(event: Any) -> None:
            if event.type == vlc.EventType.MediaPlayerEncounteredError:
                failed.set()
            ended.set()
            if window is not None:
                window.wake()

        events = player.event_manager()
        for name in ("EndReached", "EncounteredError", "Stopped"):
            events.event_attach(getattr(vlc.EventType, f"MediaPlayer{name}"), end)
        if self._on_time is not None:
            tell = self._on_time
            events.event_attach(
                vlc.EventType.MediaPlayerTimeChanged, lambda event: tell(event.u.new_time / 1000)
            )
        if window is not None:
            window.show(player)
        if player.play() != 0:
            return True
        for number, source in enumerate(subtitles.urls()):
            select = subtitles.shown and number == 0
            player.add_slave(vlc.MediaSlaveType.subtitle, source, select)
        if window is None:
            ended.wait()
        else:
            window.wait(ended)
        return failed.is_set()


def _import_vlc() -> Any:
    try:
        return importlib.import_module("vlc")
    except ModuleNotFoundError as error:
        raise InvalidInput("python-vlc is missing: pip install 'p2ptube[vlc]'") from error
    except (ImportError, OSError, NotImplementedError, AttributeError, NameError) as error:
        raise InvalidInput(f"VLC is not installed (no libvlc): {error}") from error


def _new_instance(vlc: Any) -> Any:
    instance = vlc.Instance(*OPTIONS)
    if instance is None:
        raise InvalidInput("libvlc does not start: are VLC's plugins installed?")
    return instance


def _next_subtitles(player: Any) -> None:
    """Show the next subtitles; after the last, none."""
    tracks = [track for track, _ in player.video_get_spu_description() or ()]
    if tracks:
        shown = player.video_get_spu()
        at = tracks.index(shown) if shown in tracks else 0
        player.video_set_spu(tracks[(at + 1) % len(tracks)])


def _open_window(title: str) -> _Window | None:
    """Open a window for VLC to draw into, where there is Tk on X11."""
    try:
        import tkinter
    except ImportError:
        return None
    try:
        root = tkinter.Tk(className="p2ptube")
    except tkinter.TclError:  # no display
        return None
    if root.tk.call("tk", "windowingsystem") != "x11":
        root.destroy()
        return None
    return _Window(root, title)


class _Window:
    """A Tk window with a few keys, and a pipe through which other threads wake its loop."""

    def __init__(self, root: tkinter.Tk, title: str) -> None:
        self._root = root
        self._ended: threading.Event | None = None
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        root.title(title)
        root.geometry("960x540")
        root.configure(background="black")
        root.protocol("WM_DELETE_WINDOW", root.quit)
        root.tk.createfilehandler(self._read, READABLE, self._woken)

    def show(self, player: Any) -> None:
        """Let `player` draw here and obey the keys."""
        root = self._root
        keys: dict[str, Callable[[], object]] = {
            "<space>": player.pause,  # toggles
            "<Left>": lambda: player.set_time(max(0, player.get_time() - STEP)),
            "<Right>": lambda: player.set_time(player.get_time() + STEP),
            "<Up>": lambda: player.audio_set_volume(min(100, player.audio_get_volume() + LOUDER)),
            "<Down>": lambda: player.audio_set_volume(max(0, player.audio_get_volume() - LOUDER)),
            "f": lambda: root.attributes("-fullscreen", not root.attributes("-fullscreen")),
            "v": lambda: _next_subtitles(player),
            "q": root.quit,
            "<Escape>": root.quit,
        }
        for key, action in keys.items():
            root.bind(key, lambda _, action=action: action() and None)  # type: ignore[misc]
        root.update()  # the window must be there before VLC is told of it
        player.video_set_key_input(False)
        player.video_set_mouse_input(False)
        player.set_xwindow(root.winfo_id())

    def wait(self, ended: threading.Event) -> None:
        """Run the window until it is closed or `ended`. Raises KeyboardInterrupt."""
        self._ended = ended
        # Tk waits in C: the wakeup makes Python run its signal handlers.
        in_main = threading.current_thread() is threading.main_thread()
        before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False) if in_main else -1
        try:
            self._root.mainloop()
        finally:
            if in_main:
                signal.set_wakeup_fd(before)

    def wake(self) -> None:
        """Make the loop look at `ended`. May be called in any thread."""
        with contextlib.suppress(BlockingIOError):  # full of wakes as it is
            os.write(self._write, b"w")

    def close(self) -> None:
        """Close the window and the pipe."""
        self._root.tk.deletefilehandler(self._read)
        self._root.destroy()
        os.close(self._read)
        os.close(self._write)

    def _woken(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)
        if self._ended is not None and self._ended.is_set():
            self._root.quit()
