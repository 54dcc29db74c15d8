from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop
from tests.media import helpers

from p2ptube.errors import DamagedMedia, OurBug
from p2ptube.media.worker import run_in_worker

ROOT = Path(__file__).resolve().parent.parent.parent


async def test_result_and_progress() -> None:
    seen: list[object] = []
    assert await run_in_worker(helpers.add, 2, 3, on_progress=seen.append) == 5
    assert [getattr(progress, "fraction", None) for progress in seen] == [0.5]


async def test_it_is_a_nice_process_of_its_own_without_our_main() -> None:
    pid, niceness, has_our_main = await run_in_worker(helpers.state)
    assert pid != os.getpid()
    assert niceness == min(os.nice(0) + 10, 19)
    assert not has_our_main


def test_under_uvloop() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run_in_worker(helpers.add, 2, 3)) == 5
        with pytest.raises(DamagedMedia):
            runner.run(run_in_worker(helpers.fail, DamagedMedia("broken")))


async def test_several_at_once() -> None:
    sums = await asyncio.gather(*(run_in_worker(helpers.add, n, 1) for n in range(4)))
    assert sums == [1, 2, 3, 4]


async def test_expected_errors_arrive_as_themselves() -> None:
    with pytest.raises(DamagedMedia, match=r"^film\.mp4 is damaged$"):
        await run_in_worker(helpers.fail, DamagedMedia("film.mp4 is damaged"))


async def test_unexpected_errors_are_our_bug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(OurBug, match="ZeroDivisionError: oops"):
        await run_in_worker(helpers.fail, ZeroDivisionError("oops"))
    assert "Traceback" in caplog.text


async def test_a_result_that_cannot_be_sent() -> None:
    with pytest.raises(OurBug, match="pickle"):
        await run_in_worker(helpers.unpicklable)


async def test_what_it_prints_does_not_reach_us(capfd: pytest.CaptureFixture[str]) -> None:
    assert await run_in_worker(helpers.shout) == "quiet"
    assert capfd.readouterr() == ("", "")


async def test_an_early_end() -> None:
    with pytest.raises(OurBug, match=r"ended early \(code 3\)"):
        await run_in_worker(helpers.end_at_once, 3)


async def started() -> tuple[asyncio.Task[None], int]:
    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_in_worker(helpers.wait_forever, on_progress=pid.set_result))
    async with asyncio.timeout(30):
        return task, await pid


async def test_cancelling_kills_it_and_waits() -> None:
    task, pid = await started()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):  # gone, and waited for
        os.kill(pid, 0)


async def test_killed_from_outside() -> None:
    task, pid = await started()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(OurBug, match=r"killed \(signal 9\), perhaps for lack of memory"):
        await task


async def test_a_listener_that_fails_ends_the_work() -> None:
    def on_progress(_progress: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await run_in_worker(helpers.wait_forever, on_progress=on_progress)


PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from p2ptube.media.worker import run_in_worker
from tests.media import helpers
asyncio.run(run_in_worker(helpers.wait_forever, on_progress=lambda pid: print(pid, flush=True)))
"""


def test_it_dies_with_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(ROOT)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    handle = os.pidfd_open(worker)
    parent.kill()
    parent.communicate()
    try:
        # A pidfd becomes readable when the process ends.
        import select

        assert select.select([handle], [], [], 30)[0]
    finally:
        os.close(handle)
