"""Pure: the tracker as a whole: one set of swarms behind three codecs.

Whatever comes in, what goes out is an answer of the same protocol; nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from ..errors import ProtocolViolation
from . import http, udp, websocket
from .announce import Event, ScrapeCounts
from .members import Family
from .signalling import Channel
from .swarms import Limits, Swarms

MAX_CHANNEL_PEERS = 5000  # of one WebSocket: the torrents of one session

_ONE_FAMILY = {
    4: frozenset({Family.IPV4}),
    16: frozenset({Family.IPV6}),
}


class TrackerStats(msgspec.Struct, frozen=True):
    """What a tracker has and did. Counts of requests are since its start."""

    swarms: int
    peers: int
    webrtc_peers: int
    announces_http: int
    announces_udp: int
    announces_websocket: int
    scrapes: int
    refused: int
    offers: int
    answers: int
    answers_refused: int


class Tracker:
    """Answers announces and scrapes; `now` is in seconds, of a clock that does not go back.

    Addresses are 4 or 16 bytes. Swarms for which `hidden` says so are left out of scrapes.
    """

    def __init__(self, random: Random, secret: bytes, *, limits: Limits | None = None) -> None:
        self.hidden: Callable[[bytes], bool] = lambda _: False
        self._swarms = Swarms(random, limits=limits)
        self._ids = udp.ConnectionIds(secret)
        self._http = self._udp = self._websocket = 0
        self._scrapes = self._refused = 0
        self._offers = self._answers = self._answers_refused = 0

    def stats(self, now: float) -> TrackerStats:
        """Count."""
        self._swarms.expire(now)
        return TrackerStats(
            swarms=self._swarms.swarms,
            peers=len(self._swarms),
            webrtc_peers=self._swarms.webrtc,
            announces_http=self._http,
            announces_udp=self._udp,
            announces_websocket=self._websocket,
            scrapes=self._scrapes,
            refused=self._refused,
            offers=self._offers,
            answers=self._answers,
            answers_refused=self._answers_refused,
        )

    # --- HTTP ----------------------------------------------------------------------------------

    def announce_http(self, query: bytes, source: bytes, now: float) -> bytes:
        """Answer the query string of an announce that came from `source`, bencoded."""
        try:
            announce = http.parse_announce(query)
        except ProtocolViolation as error:
            self._refused += 1
            return http.encode_failure(str(error))
        self._http += 1
        answer = self._swarms.announce(announce, source, now)
        return http.encode_announce(
            answer, compact=announce.compact, no_peer_id=announce.no_peer_id
        )

    def scrape_http(self, query: bytes, now: float) -> bytes:
        """Answer the query string of a scrape, bencoded."""
        try:
            wanted = http.parse_scrape(query)
        except ProtocolViolation as error:
            self._refused += 1
            return http.encode_failure(str(error))
        return http.encode_scrape(self._counts(wanted, now))

    # --- UDP -----------------------------------------------------------------------------------

    def datagram(self, packet: bytes, source: bytes, now: float) -> bytes | None:
        """Answer a packet; None for what deserves no answer.

        Addresses of packets can be forged. So nobody gets more than he sent, until he has proven
        by a connection id that packets to his address reach him. A refusal is even shorter: two
        servers made to refuse each other's refusals would do so without end.
        """
        try:
            request = udp.parse_request(packet)
        except ProtocolViolation:
            self._refused += 1
            return None
        transaction = request.transaction
        if request.action == udp.Action.CONNECT and request.connection_id == udp.PROTOCOL_ID:
            return udp.encode_connect(transaction, self._ids.give(source, now))
        if not self._ids.holds(request.connection_id, source, now):
            self._refused += 1
            answer = udp.encode_error(transaction, "connection id has expired")
            return answer if len(answer) < len(packet) else None
        try:
            return self._udp_answer(request, packet, source, now)
        except ProtocolViolation as error:
            self._refused += 1
            return udp.encode_error(transaction, str(error))

    def _udp_answer(self, request: udp.Request, packet: bytes, source: bytes, now: float) -> bytes:
        if request.action == udp.Action.ANNOUNCE:
            announce = udp.parse_announce(packet)
            self._udp += 1
            answer = self._swarms.announce(announce, source, now, _ONE_FAMILY[len(source)])
            return udp.encode_announce(request.transaction, answer)
        if request.action == udp.Action.SCRAPE:
            wanted = udp.parse_scrape(packet)
            counts = self._counts(wanted, now)
            return udp.encode_scrape(request.transaction, [counts[each] for each in wanted])
        raise ProtocolViolation("unknown action")

    # --- WebSocket -----------------------------------------------------------------------------

    def message(self, text: str, channel: Channel, now: float) -> None:
        """Take a message that came over `channel`; what is to be said goes over channels."""
        try:
            message = websocket.parse(text)
            if isinstance(message, websocket.WebRtcAnnounce):
                self._announce_webrtc(message, channel, now)
            elif isinstance(message, websocket.Reply):
                self._reply(message, channel, now)
            else:
                channel.send(websocket.encode_scrape(self._counts(message.info_hashes, now)))
        except ProtocolViolation as error:
            self._refused += 1
            channel.send(websocket.encode_failure(text, str(error)))

    def closed(self, channel: Channel) -> None:
        """Forget the peers of a channel that was closed."""
        for name in tuple(channel.peers):
            self._swarms.leave(name[:20], name[20:], channel)

    def _announce_webrtc(
        self, message: websocket.WebRtcAnnounce, channel: Channel, now: float
    ) -> None:
        announce = message.announce
        info_hash, peer_id = announce.info_hash, announce.peer_id
        known = self._swarms.channel(info_hash, peer_id)
        if known is not None and known is not channel and known.source != channel.source:
            # Peer ids are told to others in offers: nobody may take one over.
            raise ProtocolViolation("that peer id is in use")
        if known is None and len(channel.peers) >= MAX_CHANNEL_PEERS:
            raise ProtocolViolation(f"more than {MAX_CHANNEL_PEERS} torrents on one connection")
        self._websocket += 1
        offers = [] if announce.event is Event.STOPPED else message.offers
        answer, channels = self._swarms.announce_webrtc(
            announce, channel.source, channel, len(offers), now
        )
        channel.send(websocket.encode_announce(info_hash, answer))
        for offer, taker, way in zip(offers, answer.peer_ids, channels, strict=False):
            self._offers += way.hand(info_hash, peer_id, taker, offer, now)

    def _reply(self, reply: websocket.Reply, channel: Channel, now: float) -> None:
        maker = self._swarms.channel(reply.info_hash, reply.to_peer_id)
        if maker is None or not channel.may_answer(reply, now):
            # Late or made up. Clients would take a refusal for one of their next announce.
            self._answers_refused += 1
            return
        self._answers += 1
        maker.pass_on(reply)

    def _counts(self, wanted: tuple[bytes, ...], now: float) -> dict[bytes, ScrapeCounts]:
        self._scrapes += 1
        counts = self._swarms.scrape(wanted, now)
        return {each: ScrapeCounts() if self.hidden(each) else counts[each] for each in counts}
