"""Work that is done for videos: a task for each, at most one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from ..tasks import cancel_all

T = TypeVar("T")


class PerVideo(Generic[T]):
    """The tasks under way, by the ids of their videos; a task that ends is forgotten."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def get(self, video_id: str) -> asyncio.Task[T] | None:
        """The task of a video, as long as it runs."""
        return self._tasks.get(video_id)

    def begin(self, video_id: str, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Do this for a video, in the place of what is being done for it; `name` for debugging."""
        self.stop(video_id)
        task = asyncio.create_task(work, name=f"{name} {video_id}")
        self._tasks[video_id] = task
        task.add_done_callback(lambda _: self._forget(video_id, task))
        return task

    def stop(self, video_id: str) -> None:
        """Cancel the task of a video, if there is one; it is not waited for."""
        task = self._tasks.pop(video_id, None)
        if task is not None:
            task.cancel()

    async def stop_all(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        await cancel_all(*self._tasks.values())

    def _forget(self, video_id: str, task: asyncio.Task[T]) -> None:
        if self._tasks.get(video_id) is task:
            del self._tasks[video_id]
