"""The node's own tracker, as its public web offers it: HTTP announces and scrapes."""

from __future__ import annotations

import random

from ..errors import P2PTubeError
from ..tracker.codec import (
    encode_announce,
    encode_failure,
    encode_scrape,
    parse_announce,
    parse_scrape,
)
from ..tracker.swarms import Swarms


class Tracker:
    """Answers query strings with bencoded bytes; what is wrong with them becomes the answer."""

    def __init__(self) -> None:
        self._swarms = Swarms(random.Random())  # noqa: S311  samples peers, no secret

    def announce(self, query: str, address: str, now: float) -> bytes:
        """Answer an announce (BEP 3) that came from `address`."""
        try:
            announce = parse_announce(query.encode("latin-1"))
            answer = self._swarms.announce(announce, address, now)
        except P2PTubeError as error:
            return encode_failure(str(error))
        return encode_announce(answer, compact=announce.compact, no_peer_id=announce.no_peer_id)

    def scrape(self, query: str, now: float) -> bytes:
        """Answer a scrape (BEP 48)."""
        try:
            wanted = parse_scrape(query.encode("latin-1"))
        except P2PTubeError as error:
            return encode_failure(str(error))
        return encode_scrape(self._swarms.scrape(wanted, now))
