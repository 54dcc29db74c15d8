"""What most scenarios share: eight viewers, one origin, and a home's connection for each."""

from __future__ import annotations

from bench.lab.bound import Link, Visit

VIEWERS = 8
LINK = Link(up=8, down=40)  # Mbit/s
ORIGIN = (LINK,)
AT_ONCE = (Visit(LINK),) * VIEWERS
EVERY_SECONDS = 3.0
ONE_BY_ONE = tuple(Visit(LINK, arrives=EVERY_SECONDS * n) for n in range(VIEWERS))
NETWORK = (
    f"Network namespaces on a switch, each host with {LINK.up:.0f} Mbit/s up and "
    f"{LINK.down:.0f} down and TCP with CUBIC; 25 MB, 3 Mbit/s."
)
PLAYER = (
    "Players start with a second in hand and read ten ahead; once a viewer has everything it is "
    "no longer watched."
)
