"""Runs blocking work in a process of its own, so that it can be killed and slows nothing down.

The process is started afresh (no fork: the parent has threads and an event loop, possibly uvloop)
and imports nothing of the parent's `__main__`. It is nice, and it never outlives its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import shutil
import signal
import sys
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..errors import OurBug, P2PTubeError
from .worker_process import LENGTH, frame

log = logging.getLogger(__name__)

T = TypeVar("T")

_BOOT = (
    "import json, sys; sys.path = json.loads(sys.argv[1]); "
    "from p2ptube.media.worker_process import main; main()"
)
_STDERR_KEPT = 16 * 1024  # bytes of what it printed that are worth logging after a crash


@dataclass(slots=True)
class _Outcome:
    # What a worker has told so far; `kind` is "" until it told how it ended.
    kind: str = ""
    content: Any = None
    scratch: list[Path] = field(default_factory=list)
    printed: bytes = b""


async def run_in_worker(
    function: Callable[..., T],
    *args: Any,
    on_progress: Callable[[Any], None] | None = None,
) -> T:
    """Call `function(*args, report)` in a new process and return what it returns.

    `function` must be importable by its name, and like its arguments and result picklable. What it
    gives to `report` arrives at `on_progress`, in this event loop. A P2PTubeError that it raises is
    raised here; OurBug where it fails otherwise, or where its process is killed. Cancelling kills
    the process and waits for its end. Scratch directories that are left by then are removed.
    """
    outcome = _Outcome()
    process = await _start()
    listening = asyncio.create_task(_converse(process, function, args, on_progress, outcome))
    try:
        await asyncio.shield(listening)
    finally:
        await _uninterrupted(_end(process, listening, outcome))
    name = getattr(function, "__qualname__", "work")
    return _result(process, outcome, name)  # type: ignore[no-any-return]


async def _start() -> Process:
    environment = dict(os.environ, PYTHONUTF8="1")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BOOT, json.dumps(sys.path), stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env=environment,
    )  # fmt: skip


async def _converse(
    process: Process,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    on_progress: Callable[[Any], None] | None,
    outcome: _Outcome,
) -> None:
    assert process.stdin and process.stdout and process.stderr
    printing = asyncio.create_task(_collect(process.stderr, outcome))
    try:
        process.stdin.write(frame((function, args, os.getpid())))
        with contextlib.suppress(ConnectionError):  # it died already; that shows below
            await process.stdin.drain()
        await _listen(process.stdout, on_progress, outcome)
    except BaseException:
        _kill(process)
        raise
    finally:
        await printing


async def _listen(
    stdout: StreamReader, on_progress: Callable[[Any], None] | None, outcome: _Outcome
) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):  # the end of the process
        while True:
            (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
            data = await stdout.readexactly(length)
            kind, content = pickle.loads(data)  # noqa: S301  from our own child
            if kind == "scratch":
                outcome.scratch.append(content)
            elif kind == "progress":
                if on_progress is not None:
                    on_progress(content)
            else:
                outcome.kind, outcome.content = kind, content


async def _collect(stderr: StreamReader, outcome: _Outcome) -> None:
    while data := await stderr.read(4096):
        outcome.printed = (outcome.printed + data)[-_STDERR_KEPT:]


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _end(process: Process, listening: asyncio.Task[None], outcome: _Outcome) -> None:
    # The listener goes on to the end of the pipe: the last message may name a scratch directory.
    if process.returncode is None and not listening.done():
        _kill(process)
    await asyncio.wait([listening])
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
    for path in outcome.scratch:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


async def _uninterrupted(work: Any) -> None:
    # Finishes `work` even where this task is cancelled again meanwhile.
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _result(process: Process, outcome: _Outcome, name: str) -> Any:
    if outcome.kind == "result":
        return outcome.content
    if outcome.kind == "error" and isinstance(outcome.content, P2PTubeError):
        raise outcome.content
    printed = outcome.printed.decode("utf-8", "replace").strip()
    if outcome.kind == "crash":
        log.error("%s failed in its process:\n%s", name, outcome.content)
        raise OurBug(f"{name} failed: {str(outcome.content).strip().splitlines()[-1]}")
    code = process.returncode or 0
    log.error("the process of %s ended with code %d; it printed:\n%s", name, code, printed)
    if code < 0:
        hint = ", perhaps for lack of memory" if -code == signal.SIGKILL else ""
        raise OurBug(f"the process that did the work was killed (signal {-code}){hint}")
    raise OurBug(f"the process that did the work ended early (code {code})")
