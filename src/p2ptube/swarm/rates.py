"""How fast the session may be: the limits the user sets, and uploads that yield to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libtorrent as lt

from .limits import Limits
from .settings import SwarmSettings
from .slots import Slots
from .torrent import Torrent
from .upload_control import UploadControl

WITHOUT_TCP = frozenset({"utp", "webrtc"})


class Rates:
    """The limits of a session. `torrents` gives those that are in it."""

    def __init__(
        self,
        session: lt.session,
        settings: SwarmSettings,
        torrents: Callable[[], Iterable[Torrent]],
    ) -> None:
        """The limits of `settings` hold at once; uploads yield from `set_yielding` on."""
        self._torrents = torrents
        self._limits = Limits(session)
        self._slots = Slots()
        # The limits are looked up when they are called: `let_go` returns their last reference.
        self._control = UploadControl(
            lambda limit: self._limits.yield_to(limit),  # noqa: PLW0108
            lambda portion: self._limits.have_ready(portion),  # noqa: PLW0108
            elsewhere=self._uploaded_without_tcp,
            local_too=lambda: self._limits.limit_lan,
        )
        self.set_limits(
            upload=settings.upload_limit,
            download=settings.download_limit,
            limit_lan=settings.limit_lan,
        )

    def set_limits(self, *, upload: int, download: int, limit_lan: bool) -> None:
        """Change the rate limits, in bytes/s, at once; 0 = unlimited."""
        self._limits.apply(upload=upload, download=download, limit_lan=limit_lan)

    @property
    def download_limit(self) -> int:
        """The limit of downloads that holds, in bytes/s; 0 = unlimited."""
        return self._limits.download

    def set_yielding(self, on: bool) -> None:
        """Whether uploads yield to what else the line carries: see `yielding`."""
        self._control.switch(on)

    @property
    def automatic_limit(self) -> int:
        """What uploads are limited to since they yield, in bytes/s; 0 = they are not."""
        return self._control.limit

    @property
    def queueing_delay(self) -> float | None:
        """How long what we send waits for the line, in seconds; None = not known."""
        return self._control.delay

    def adapt_to_line(self) -> None:
        """In a crowd, upload to as many at once as our line serves well, and take no lane too many.

        See `slots` and `relaying`. To be called once a second.
        """
        crowds, line = self._crowds(), self._control.line
        for torrent in crowds:
            torrent.scheduling.line = line
        self._limits.serve(self._slots.look(line if crowds else 0.0))
        self.adapt_to_crowds()

    def adapt_to_crowds(self) -> None:
        """A crowd has formed, or is over."""
        self._limits.ask(in_crowd=bool(self._crowds()))

    def _crowds(self) -> list[Torrent]:
        return [t for t in self._torrents() if t.scheduling.sharing and not t.finished]

    def on_connection(self) -> None:
        """A peer has connected, or was connected to."""
        self._control.wake()

    def stop(self) -> None:
        """Yield no more: the session is about to end."""
        self._control.stop()

    def let_go(self) -> object:
        """Change no limit any more; returns the only reference to the session that is left."""
        limits = self._limits
        del self._limits
        return limits

    def _uploaded_without_tcp(self) -> float:
        peers = (peer for torrent in self._torrents() for peer in torrent.peers())
        return sum(p.upload_rate for p in peers if p.connected and p.transport in WITHOUT_TCP)
