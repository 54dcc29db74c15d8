"""The side of a worker that runs in the new process. `worker` starts it.

Its standard input brings the job and stays open as long as the parent lives; what was its standard
output carries messages back. Both are framed: 4 bytes of length, big-endian, then a pickle.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import pickle
import platform
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Literal

from ..errors import P2PTubeError
from .scratch import announce_to

LENGTH = struct.Struct(">I")
NICENESS = 10

MessageKind = Literal["progress", "scratch", "result", "error", "crash"]
Job = tuple[Callable[..., Any], tuple[Any, ...], int]  # function, arguments, the parent's pid

_PR_SET_PDEATHSIG = 1
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "arm64": 30}  # numbers of the system call
_IOPRIO_IDLE = 3 << 13


def frame(message: object) -> bytes:
    """One message, ready to be written."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data


def main() -> None:
    """Run the job that comes on standard input, then leave the process."""
    out = _claim_output()
    faulthandler.enable()
    _be_humble()
    try:
        function, arguments, parent = _read_job()
        _die_with(parent)
        announce_to(lambda path: _send(out, "scratch", path))
        result = function(*arguments, lambda progress: _send(out, "progress", progress))
        _send(out, "result", result)
    except P2PTubeError as error:
        _send(out, "error", error)
    except BaseException:
        _send(out, "crash", traceback.format_exc())
    # Everything is told: threads of libraries and half-written containers must not hold it up.
    sys.stderr.flush()
    os._exit(0)


def _claim_output() -> int:
    # What the function or a library prints goes to standard error, which the parent collects.
    out = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def _be_humble() -> None:
    # A key press of Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform == "linux" and number is not None:
        ctypes.CDLL(None).syscall(number, 1, 0, _IOPRIO_IDLE)  # this process; failing is no harm


def _read_job() -> Job:
    length = LENGTH.unpack(_read_exactly(LENGTH.size))[0]
    job: Job = pickle.loads(_read_exactly(length))  # noqa: S301  from our own parent
    return job


def _read_exactly(length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        more = os.read(0, length - len(data))
        if not more:
            os._exit(1)  # the parent is gone, and with it whoever wants the result
        data += more
    return bytes(data)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)
    threading.Thread(target=_watch_input, name="parent watch", daemon=True).start()


def _watch_input() -> None:
    _read_exactly(1)  # nothing more ever comes but the end


def _send(out: int, kind: MessageKind, content: object) -> None:
    data = memoryview(frame((kind, content)))
    while data:
        data = data[os.write(out, data) :]
