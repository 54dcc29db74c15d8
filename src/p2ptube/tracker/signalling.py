"""Pure: which WebRTC offers were handed to whom, so that nobody answers what he was not asked.

A channel is the way to the peers of one WebSocket. A page has one peer there; a libtorrent session
has one for each of its torrents, all with ids of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from .websocket import Offer, Reply, encode_offer, encode_reply

OFFER_SECONDS = 120.0  # how long an answer may take; clients wait for 50 s
MAX_OPEN_OFFERS = 256  # to one channel, unanswered


class Channel(ABC):
    """A WebSocket's end. Its shell tells how to send; what is remembered of it is here."""

    __slots__ = ("_open", "peers", "source")

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.peers: set[bytes] = set()  # info-hash and peer id of each peer
        # Offers it may still answer, the oldest first: until when.
        self._open: dict[bytes, float] | None = None

    @abstractmethod
    def send(self, message: bytes) -> None:
        """Send a text message; a reader that is too slow for it is cut off."""

    def hand(self, info_hash: bytes, maker: bytes, taker: bytes, offer: Offer, now: float) -> bool:
        """Hand the offer of `maker` to the peer `taker` of this channel; False if it has enough."""
        name = _name(info_hash, maker, taker, offer.offer_id)
        waiting = self._open
        if waiting is None:
            waiting = self._open = {}
        elif waiting.get(name, 0.0) > now:
            return False  # one question is enough
        elif len(waiting) >= MAX_OPEN_OFFERS:
            for old in [old for old, until in waiting.items() if until <= now]:
                del waiting[old]
            if len(waiting) >= MAX_OPEN_OFFERS:
                return False
        waiting[name] = now + OFFER_SECONDS
        self.send(encode_offer(info_hash, maker, offer))
        return True

    def may_answer(self, reply: Reply, now: float) -> bool:
        """Whether one of this channel's peers was handed that offer, and has not answered it."""
        if not self._open:
            return False
        name = _name(reply.info_hash, reply.to_peer_id, reply.peer_id, reply.offer_id)
        return self._open.pop(name, 0.0) > now

    def tidy(self, now: float) -> None:
        """Forget the offers that nobody waits for any more."""
        if self._open:
            self._open = {name: until for name, until in self._open.items() if until > now}
        if not self._open:
            self._open = None

    def pass_on(self, reply: Reply) -> None:
        """Bring an answer to the peer of this channel that made the offer."""
        self.send(encode_reply(reply))


def _name(info_hash: bytes, maker: bytes, taker: bytes, offer_id: str) -> bytes:
    return b"".join((info_hash, maker, taker, offer_id.encode()))
