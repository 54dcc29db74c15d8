"""Opening a page in the user's web browser."""

from __future__ import annotations

import os
import threading
import webbrowser

from ..playback.launching import has_display


def can_open() -> bool:
    """Whether a page can be opened here.

    Without a screen, `webbrowser` may find a text browser, which would take the terminal; only
    one that the user named in the variable BROWSER is wanted then.
    """
    if not has_display() and not os.environ.get("BROWSER"):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def open_page(url: str) -> None:
    """Open `url` where that is possible; returns at once, so the program must live on for a while.

    In a thread, as some browsers keep their caller waiting.
    """
    if can_open():
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
