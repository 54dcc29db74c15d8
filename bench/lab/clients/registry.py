"""Which programs are measured: ours, and those of others that there are and that were chosen."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence

from bench.lab.clients.aria2 import Aria2
from bench.lab.clients.base import Client
from bench.lab.clients.nginx import Nginx
from bench.lab.clients.npm import Peerflix, Webtorrent
from bench.lab.clients.ours import Ours
from bench.lab.clients.qbittorrent import QBittorrent
from bench.lab.clients.transmission import Transmission

RIVALS: tuple[type[Client], ...] = (
    Aria2,
    QBittorrent,
    Transmission,
    Webtorrent,
    Peerflix,
    Nginx,
)


def chosen(wanted: Sequence[type[Client]]) -> list[type[Client]]:
    """Ours, then those of `wanted` that the environment admits and the machine has.

    BENCH_LAB_RIVALS: 0 for none, or names with commas between (`aria2,nginx`); all without it.
    """
    return [Ours, *(rival for rival in wanted if admitted(rival) and _present(rival))]


def admitted(rival: type[Client], said: str | None = None) -> bool:
    """Whether the user wants it measured. `said`: what stands in BENCH_LAB_RIVALS."""
    said = os.environ.get("BENCH_LAB_RIVALS", "") if said is None else said
    if not said.strip():
        return True
    name = rival.name.lower()
    return any(word and name.startswith(word) for word in said.lower().replace(",", " ").split())


@functools.cache
def _present(rival: type[Client]) -> bool:
    reason = rival.missing()
    if reason is not None:
        print(f"lab: {rival.name} is left out: {reason}", file=sys.stderr)
    return reason is None
