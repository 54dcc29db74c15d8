"""Other people's BitTorrent programs and our nodes, which meet at our trackers only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.interop.meeting import Film, Meeting, film, until_counted
from tests.interop.programs import (
    Aria2,
    Libtorrent,
    Program,
    QBittorrent,
    Source,
    Transmission,
    running,
)

PROGRAMS: dict[str, Callable[[Path], Program]] = {
    "transmission": Transmission,
    "aria2": Aria2,
    "qbittorrent": QBittorrent,
    "libtorrent": Libtorrent,
}


class Offer(NamedTuple):
    """A film, and how the other side hears of it."""

    film: Film
    source: Source
    tracker: str


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    return PROGRAMS[request.param](tmp_path / request.param)


def by_link(made: Film, tracker: str) -> Offer:
    return Offer(made, made.magnet(tracker), tracker)


def by_file(made: Film, tracker: str) -> Offer:
    return Offer(made, made.torrent(tracker), tracker)


def test_it_fetches_from_a_node_and_a_node_from_it(
    program: Program, meeting: Meeting, reel: Path, tmp_path: Path
) -> None:
    """All at once, since some look only every ten seconds at what they have to do."""
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    node, alone = meeting.node, meeting.alone
    a, b, c, d = (film(reel, here / f"{type(program).__name__} {name}.mp4") for name in "abcd")
    # Only one of the trackers over UDP: libtorrent has one connection id for all of an address.
    way = node.udp if program.udp else node.http
    ours = [by_link(a, way), by_file(b, alone.http)]
    theirs = [by_link(c, alone.http), by_file(d, way)]
    with running(program):
        for offer in theirs:
            program.add(offer.film.torrent(offer.tracker), here)
        for offer in ours:
            program_fetches(program, offer, meeting, there)
        for offer in theirs:
            node_fetches(program, offer, meeting)
        for offer in ours:
            program.until_complete(offer.film.info_hash)
            assert (there / offer.film.path.name).read_bytes() == offer.film.path.read_bytes()
        for offer in theirs:
            fetched = Path(meeting.fetcher.complete(offer.film.info_hash)["path"])
            assert fetched.read_bytes() == offer.film.path.read_bytes()


def program_fetches(program: Program, offer: Offer, meeting: Meeting, there: Path) -> None:
    """Share a film, and let the program begin to fetch it."""
    if program.dials_loopback:
        meeting.sharer.add(offer.film.path)
        until_counted(offer.tracker, offer.film.info_hash, seeds=1)
        program.add(offer.source, there)
    else:
        # The tracker, asked by the node, tells it of the program.
        program.add(offer.source, there)
        until_counted(offer.tracker, offer.film.info_hash, others=1)
        meeting.sharer.add(offer.film.path)


def node_fetches(program: Program, offer: Offer, meeting: Meeting) -> None:
    """Wait until the program seeds a film, and let the node begin to fetch it."""
    program.until_complete(offer.film.info_hash)
    until_counted(offer.tracker, offer.film.info_hash, seeds=1)
    video = meeting.fetcher.post("videos/resolve", {"target": str(offer.source)})
    meeting.fetcher.post(f"videos/{video['id']}/fetch")
