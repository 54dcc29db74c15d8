"""A display of our own (Xvfb), and closing windows on it as a window manager does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

CLIENT_MESSAGE = 33


@contextlib.contextmanager
def xvfb() -> Iterator[str]:
    """Start Xvfb and yield its display, such as ":7". The number is one that is free."""
    read_end, write_end = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write_end),
        "-screen",
        "0",
        "1024x768x24",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL) as process:
        os.close(write_end)
        try:
            with os.fdopen(read_end) as pipe:
                yield f":{int(pipe.readline())}"
        finally:
            process.terminate()


class _ClientMessage(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


def close_windows(display: str) -> int:
    """Ask every top-level window to close (ICCCM, WM_DELETE_WINDOW); return their number."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    assert connection.value, "no display"
    root = ctypes.c_ulong(x11.XDefaultRootWindow(connection))
    protocols = x11.XInternAtom(connection, b"WM_PROTOCOLS", 0)
    delete = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
    unused, children = ctypes.c_ulong(), ctypes.POINTER(ctypes.c_ulong)()
    number = ctypes.c_uint()
    x11.XQueryTree(
        *(connection, root, ctypes.byref(unused), ctypes.byref(unused)),
        *(ctypes.byref(children), ctypes.byref(number)),
    )
    # A toolkit may put its window into a frame; the message goes to both.
    for window in _with_children(x11, connection, children[: number.value]):
        message = _ClientMessage(
            type=CLIENT_MESSAGE, window=window, message_type=protocols, format=32
        )
        message.data[0] = delete
        x11.XSendEvent(connection, ctypes.c_ulong(window), 0, 0, ctypes.byref(message))
    x11.XCloseDisplay(connection)
    return int(number.value)


def _with_children(
    x11: ctypes.CDLL, connection: ctypes.c_void_p, windows: list[int]
) -> Iterator[int]:
    for window in windows:
        yield window
        unused, children = ctypes.c_ulong(), ctypes.POINTER(ctypes.c_ulong)()
        number = ctypes.c_uint()
        x11.XQueryTree(
            *(connection, ctypes.c_ulong(window), ctypes.byref(unused), ctypes.byref(unused)),
            *(ctypes.byref(children), ctypes.byref(number)),
        )
        yield from children[: number.value]
