"""Files of classic peers: brought by FGET, then imported like any file of the user's."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec

from ..descriptor import is_plain_file_name
from ..errors import P2PTubeError, StorageError
from ..media.jobs import Job, JobControl, Jobs, JobState
from ..models import ClassicFile, VideoState
from ..overlay.peer import Peer
from .catalog import Remote
from .present import remote_view
from .publishing import Publisher
from .views import VideoView

log = logging.getLogger(__name__)


class ClassicFetches:
    """The fetches from classic peers, each a job."""

    def __init__(self, peer: Peer, publisher: Publisher, jobs: Jobs) -> None:
        self._peer = peer
        self._publisher = publisher
        self._jobs = jobs
        self._by_video: dict[str, str] = {}

    def start(self, remote: Remote, file: ClassicFile) -> Job:
        """Bring a file and import it. The job's video is the one that came of it."""
        job = self._job(remote.id)
        if job is not None and (not job.state.final or job.state is JobState.DONE):
            return job

        async def bring(directory: Path, control: JobControl) -> Path:
            name = file.file_name if is_plain_file_name(file.file_name) else "video"
            path = directory / name
            control.report("download", 0.0)
            await self._download(file, path)
            return path

        job = self._publisher.add_download(file.file_name, bring)
        self._by_video[remote.id] = job.id
        return job

    def stop(self, video_id: str) -> None:
        """Cancel the fetch of a classic file, if it is under way."""
        job = self._job(video_id)
        if job is not None and not job.state.final:
            self._jobs.cancel(job.id)

    def outcome(self, video_id: str) -> str | None:
        """The id of the video that came of a classic file, once it is imported."""
        job = self._job(video_id)
        return job.video if job is not None else None

    def view(self, remote: Remote) -> VideoView:
        """Show a classic file, with the progress of its fetch."""
        view = remote_view(remote)
        job = self._job(remote.id)
        if job is None or job.state is JobState.CANCELLED:
            return view
        state = VideoState.ERROR if job.state is JobState.FAILED else VideoState.FETCHING
        return msgspec.structs.replace(view, state=state, progress=job.progress, detail=job.error)

    async def _download(self, file: ClassicFile, path: Path) -> None:
        try:
            with path.open("xb") as out:
                async for chunk in self._peer.fetch_file(file.holder, file.file_name):
                    await asyncio.to_thread(out.write, chunk)
        except OSError as error:
            raise StorageError(f"cannot store the file: {error.strerror}") from error

    def _job(self, video_id: str) -> Job | None:
        job_id = self._by_video.get(video_id)
        if job_id is None:
            return None
        try:
            return self._jobs.get(job_id)
        except P2PTubeError:
            return None
