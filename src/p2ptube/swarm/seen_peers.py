"""The peers of one torrent: who is connected, and what those gave who were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import libtorrent as lt

from .connections import PeerSnapshot, snapshot

# Connections that are gone and of which we keep what they gave.
MOST_GONE = 200


class SeenPeers:
    """Snapshots of the connections, as of the last look."""

    def __init__(self) -> None:
        self._peers: dict[str, PeerSnapshot] = {}

    def look(self, connections: Iterable[lt.peer_info]) -> None:
        """Take a new snapshot; what gone ones gave is kept."""
        before = [p for p in self._peers.values() if p.downloaded or p.uploaded]
        self._peers = {
            peer.address: replace(peer, connected=False, download_rate=0, upload_rate=0)
            for peer in before[-MOST_GONE:]
        }
        for info in connections:
            if not info.flags & (lt.peer_info.connecting | lt.peer_info.handshake):
                now = snapshot(info)
                # Again at the end, so that those who left long ago are the first.
                self._peers.pop(now.address, None)
                self._peers[now.address] = now

    def all(self) -> list[PeerSnapshot]:
        """Everybody who exchanged bytes with us in this session, and who is connected now."""
        return [p for p in self._peers.values() if p.connected or p.downloaded or p.uploaded]

    @property
    def connected(self) -> int:
        """How many are connected."""
        return sum(1 for peer in self._peers.values() if peer.connected)
