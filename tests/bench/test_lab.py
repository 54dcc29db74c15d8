"""The laboratory itself: a small crowd of our own nodes in namespaces; and what is measured."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import libtorrent as lt
import pytest
from bench.lab.bound import Link, Visit
from bench.lab.clients.aria2 import Aria2
from bench.lab.clients.base import Share
from bench.lab.clients.nginx import Nginx
from bench.lab.clients.ours import Ours
from bench.lab.clients.registry import RIVALS, admitted
from bench.lab.films import Film
from bench.lab.network import Network
from bench.lab.trial import Plan, trial
from tests.clips import make_clip


def namespaces_work() -> bool:
    """Whether this user on this kernel can have a shaped network of its own."""
    if os.geteuid() != 0:
        return False
    try:
        with Network() as network:
            network.add(Link(8, 40))
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    path = tmp_path_factory.mktemp("film") / "crowd.mp4"
    return Film.of(make_clip(path, seconds=4, bit_rate=2_000_000, faststart=True))


def test_a_small_crowd_watches(tmp_path: Path, film: Film) -> None:
    if not namespaces_work():
        pytest.skip("needs root, network namespaces and tbf")
    link = Link(50, 100)
    # The bound is a fraction of a second; a busy machine may take far more.
    visits = (Visit(link),) * 2
    plan = Plan((link,), visits, watching=True, leaving=True, patience=600)
    outcome = trial(Ours, plan, film.path, film.seconds, tmp_path / "run")
    assert outcome.finished
    assert outcome.copies >= 0.9
    assert outcome.trace.hosts == ["origin", "viewer1", "viewer2"]
    assert sum(row[0] for row in outcome.trace.sent) >= 0.9 * film.path.stat().st_size
    for seen in outcome.seen:
        assert seen.viewing is not None
        assert seen.viewing.start is not None
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert f"lab{os.getpid() % 100_000}x" not in listed


def test_the_torrent_of_the_rivals(tmp_path: Path, film: Film) -> None:
    tracker = "http://198.18.0.1:5681/announce"
    share = Share.of(film.path, film.seconds, tracker, tmp_path)
    read = lt.load_torrent_file(str(share.torrent))
    assert str(read.info_hashes.v1) == share.info_hash
    assert list(read.trackers) == [tracker]
    assert share.bytes_per_second == film.path.stat().st_size / film.seconds


@pytest.mark.parametrize(
    ("said", "rivals"),
    [
        ("", set(RIVALS)),
        ("0", set()),
        ("aria2", {Aria2}),
        ("Aria2, nginx", {Aria2, Nginx}),
        ("nonesuch", set()),
    ],
)
def test_rivals_are_chosen_by_name(said: str, rivals: set[object]) -> None:
    assert {rival for rival in RIVALS if admitted(rival, said)} == rivals
