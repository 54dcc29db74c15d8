"""What the parts of a node tell each other. `assembly` makes them and ties them to this."""

from __future__ import annotations

from ..config import Config
from ..media.jobs import Job
from ..network import Blocked
from ..overlay.peer import Peer
from ..swarm import Session
from . import present
from .catalog import Catalog
from .editing import Editing
from .events import Events
from .limit_times import LimitTimes
from .peer_records import view_of
from .publishing import Publisher
from .storing import Storing
from .trackers import Trackers
from .unkept import Unkept
from .uplink import Uplink
from .videos import Videos
from .views import Event


class Parts:
    """Those parts of one node that hear of others. All methods run on the event loop's thread."""

    config: Config
    blocked: Blocked  # whom nothing of this node talks to
    uplink: Uplink
    _catalog: Catalog
    _editing: Editing
    _events: Events
    _limit_times: LimitTimes
    _peer: Peer
    _publisher: Publisher
    _session: Session
    _storing: Storing
    _trackers: Trackers
    _unkept: Unkept | None
    _videos: Videos
    _download_limit: int  # bytes/s, at this time of the day

    def _settle_for(self, config: Config) -> None:
        if config.tracker != self.config.tracker:
            self._trackers.set(config.tracker)
        if config.blocked != self.config.blocked:
            self.blocked = Blocked(config.blocked)
            self._session.guard.block(self.blocked)
            self._peer.block(self.blocked)
        if config.connections_per_address != self.config.connections_per_address:
            self._session.guard.set_share(config.connections_per_address)
        self._session.use_stun_server(config.stun_server)
        self.config = config
        self._peer.announce(name=config.name)
        self._publisher.name = config.name
        self._session.rates.set_yielding(config.yielding)
        self._limit_times.settle(config)

    async def _forget_unkept(self) -> None:
        if self._unkept is not None:  # else the node did not come so far
            await self._unkept.forget_all()

    def _limit(self, upload: int, download: int) -> None:
        self._download_limit = download
        self.uplink.set_limit(upload, limit_local=self.config.limit_lan)

    def _limit_swarm(self, upload: int) -> None:
        self._session.rates.set_limits(
            upload=upload, download=self._download_limit, limit_lan=self.config.limit_lan
        )

    def _save_resume(self, video_id: str, data: bytes) -> None:
        self._storing.begin(self._catalog.library.put_resume(video_id, data))

    def _video_changed(self, video_id: str) -> None:
        self._videos.changed(video_id)
        self._trackers.changed(video_id)

    def _relocate(self) -> None:
        """Sign our descriptors anew, where they name other trackers than we have by now."""
        self._storing.begin(self._editing.relocate(self._trackers.place))

    def _job_changed(self, job: Job) -> None:
        self._events.send(Event(kind="job", data=present.job_view(job)))

    def _peers_changed(self) -> None:
        self._events.send(Event(kind="peers", data=tuple(map(view_of, self._peer.peers()))))
