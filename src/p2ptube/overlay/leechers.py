"""Who fetches a torrent just now, as far as this peer was told. Pure: `now` comes in (seconds)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ..models import Holder, PeerAddress
from .messages import MAX_LEECHERS, Announce

# Whoever does not announce again within this is taken for gone.
EXPIRY_SECONDS = 90.0
MOST_TORRENTS = 1000
# Announced from one address: a household's, and no crowd that somebody makes up.
MOST_PER_HOST = 16


@dataclass(frozen=True)
class Leecher:
    """A peer that fetches a torrent: its overlay id, its swarm address, and until when we count it.

    It has been known `since` then. Both are in the seconds of the clock that `now` is of. `lane`:
    see `Announce`. `said`: we have it from itself.
    """

    peer: str
    swarm: PeerAddress
    until: float
    since: float
    lane: bool = True
    said: bool = True

    def as_holder(self) -> Holder:
        """How it is told to others."""
        return Holder(peer=self.peer, swarm=(str(self.swarm),))


class Leechers:
    """The announced ones by torrent, a bounded number; who came first is kept."""

    def __init__(self) -> None:
        self._torrents: OrderedDict[str, dict[str, Leecher]] = OrderedDict()

    def take(self, message: Announce, host: str, now: float, *, said: bool = True) -> bool:
        """Note what a peer at the address `host` announces; return whether that changed anything.

        A new term alone is no change. What others tell of it (not `said` by itself) counts as long
        as it has said nothing; and nobody speaks for a peer at another address.
        """
        known = self._current(message.info_hash, now)
        before = known.get(message.peer)
        if before is not None and before.said and not (said and before.swarm.host == host):
            return False
        if message.stopped:
            return self.forget(message.info_hash, message.peer, now)
        if before is None and not _has_room(known, host):
            return False
        since = now if before is None else before.since
        known[message.peer] = Leecher(
            message.peer,
            PeerAddress(host, message.port),
            until=now + EXPIRY_SECONDS,
            since=since,
            lane=message.lane,
            said=said,
        )
        self._keep(message.info_hash, known)
        return before is None or before.lane != message.lane

    def forget(self, info_hash: str, peer: str, now: float) -> bool:
        """One does not fetch a torrent any more; return whether it was known to."""
        known = self._current(info_hash, now)
        gone = known.pop(peer, None) is not None
        self._keep(info_hash, known)
        return gone

    def of(self, info_hash: str, now: float) -> list[Leecher]:
        """Who fetches a torrent."""
        return list(self._current(info_hash, now).values())

    def _keep(self, info_hash: str, known: dict[str, Leecher]) -> None:
        self._torrents[info_hash] = known
        self._torrents.move_to_end(info_hash)
        while len(self._torrents) > MOST_TORRENTS:
            self._torrents.popitem(last=False)

    def _current(self, info_hash: str, now: float) -> dict[str, Leecher]:
        known = self._torrents.get(info_hash, {})
        return {peer: leecher for peer, leecher in known.items() if leecher.until > now}


def _has_room(known: dict[str, Leecher], host: str) -> bool:
    from_host = sum(1 for leecher in known.values() if leecher.swarm.host == host)
    return len(known) < MAX_LEECHERS and from_host < MOST_PER_HOST
