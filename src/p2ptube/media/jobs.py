"""Pieces of work that take their time: a bounded number at once, the others in a queue."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import Cancelled, Conflict, NotFound, P2PTubeError
from ..tasks import cancel_all
from .remaining import Estimate

log = logging.getLogger(__name__)

KEPT = 200  # finished jobs that are remembered

# Which part of a job's progress each stage makes. A stage that is not named is all of its job.
STAGES: Mapping[str, tuple[float, float]] = {
    "probe": (0.0, 0.01),
    "download": (0.0, 0.5),
    "copy": (0.01, 0.6),
    "transcode": (0.01, 0.9),
    "poster": (0.9, 0.91),
    "hash": (0.91, 1.0),
}


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether the job is over."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job at one moment.

    `progress` from 0 to 1, never falling; `remaining` in seconds, None while unknown; `video` the
    id of what came of it; `error` in words where it failed.
    """

    id: str
    kind: str
    label: str
    state: JobState = JobState.QUEUED
    stage: str = ""
    progress: float = 0.0
    remaining: float | None = None
    error: str = ""
    video: str | None = None


class JobControl:
    """What the work itself gets, to tell how far it is."""

    def __init__(self, jobs: Jobs, job_id: str) -> None:
        self._jobs = jobs
        self.id = job_id

    def report(self, stage: str, fraction: float) -> None:
        """Say that `stage` is at `fraction` (0..1)."""
        self._jobs._report(self.id, stage, fraction)


Work = Callable[[JobControl], Awaitable[str | None]]
"""Does the work and returns the id of the video that came of it, if any."""


class Jobs:
    """The table of jobs. All methods belong to the event loop's thread.

    `on_change` is called with every new state of a job; `clock` returns seconds.
    """

    def __init__(
        self,
        limit: int | None = None,
        on_change: Callable[[Job], None] | None = None,
        stages: Mapping[str, tuple[float, float]] = STAGES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_change = on_change
        self._stages = stages
        self._clock = clock
        self._free = asyncio.Semaphore(limit or max(1, (os.cpu_count() or 1) // 2))
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[str | None]] = {}
        self._estimates: dict[str, Estimate] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._closed = False

    def submit(self, kind: str, label: str, work: Work) -> Job:
        """Queue `work`. Raises Conflict after `close`."""
        if self._closed:
            raise Conflict("the node is shutting down")
        job = Job(id=secrets.token_hex(8), kind=kind, label=label)
        self._jobs[job.id] = job
        self._ended[job.id] = asyncio.Event()
        task = asyncio.create_task(self._run(job.id, work), name=f"job {kind} {job.id}")
        self._tasks[job.id] = task
        # Not in the task itself: one that is cancelled before it began never runs a line.
        task.add_done_callback(lambda done: self._finish(job.id, done))
        self._set(job)
        return job

    def get(self, job_id: str) -> Job:
        """The job as it is now. Raises NotFound."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NotFound(f"there is no job {job_id[:40]}") from None

    def all(self) -> list[Job]:
        """All jobs that are not over, and the last KEPT that are, in the order of submission."""
        return list(self._jobs.values())

    def cancel(self, job_id: str) -> None:
        """Cancel a queued or running job; `wait` tells when it is over.

        Raises NotFound, or Conflict where it is over already.
        """
        job = self.get(job_id)
        if job.state.final:
            raise Conflict(f"the job is over already: {job.state}")
        self._tasks[job_id].cancel()

    async def wait(self, job_id: str) -> Job:
        """Wait until the job is over and return it. Raises NotFound."""
        job = self.get(job_id)
        if not job.state.final:
            await self._ended[job_id].wait()
        return self._jobs.get(job_id, job)

    async def close(self) -> None:
        """Cancel all jobs and wait for their ends; `submit` raises from now on."""
        self._closed = True
        await cancel_all(*self._tasks.values())
        # Let the done-callbacks of the tasks run, too.
        await asyncio.sleep(0)

    async def _run(self, job_id: str, work: Work) -> str | None:
        async with self._free:
            self._estimates[job_id] = Estimate(self._clock(), self._clock(), 0.0)
            self._set(replace(self._jobs[job_id], state=JobState.RUNNING))
            return await work(JobControl(self, job_id))

    def _report(self, job_id: str, stage: str, fraction: float) -> None:
        job = self._jobs.get(job_id)
        estimate = self._estimates.get(job_id)
        if job is None or estimate is None or job.state is not JobState.RUNNING:
            return
        start, end = self._stages.get(stage, (0.0, 1.0))
        progress = max(job.progress, start + (end - start) * min(max(fraction, 0.0), 1.0))
        estimate = self._estimates[job_id] = estimate.advance(self._clock(), progress)
        self._set(replace(job, stage=stage, progress=progress, remaining=estimate.remaining))

    def _finish(self, job_id: str, task: asyncio.Task[str | None]) -> None:
        job = replace(self._jobs[job_id], remaining=None)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or isinstance(error, Cancelled):
            job = replace(job, state=JobState.CANCELLED)
        elif error is None:
            video = task.result()
            job = replace(job, state=JobState.DONE, progress=1.0, remaining=0.0, video=video)
        elif isinstance(error, P2PTubeError):
            job = replace(job, state=JobState.FAILED, error=str(error) or error.title)
        else:
            log.error("job %s (%s) failed", job.label, job.kind, exc_info=error)
            words = f"internal error: {type(error).__name__}"
            job = replace(job, state=JobState.FAILED, error=words)
        del self._tasks[job_id]
        self._estimates.pop(job_id, None)
        self._set(job)
        self._ended.pop(job_id).set()
        self._forget_oldest()

    def _set(self, job: Job) -> None:
        self._jobs[job.id] = job
        if self.on_change is not None:
            try:
                self.on_change(job)
            except Exception:
                log.exception("a listener to jobs failed")

    def _forget_oldest(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state.final]
        for job_id in over[: max(0, len(over) - KEPT)]:
            del self._jobs[job_id]
