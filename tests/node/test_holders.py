"""Several holders of a video: sharing the work, dying, and returning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.node.checks import begin_fetch, downloaded, swarm_address, until_alone, until_arrived
from tests.nodes import NodeProcess, Start, nodes

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that needs no conversion: whoever adds it shares the same torrent."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_clip(path, seconds=15, bit_rate=3_000_000, faststart=True)


@pytest.fixture(scope="module")
def trio(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[NodeProcess]]:
    """Three nodes that know the first of them and share the film, sending 1 MB/s each."""
    folder = tmp_path_factory.mktemp("trio")
    with nodes() as start:
        first = start(folder / "0", upload_limit=MEGABYTE)
        others = [start(folder / i, join=first.peer_id, upload_limit=MEGABYTE) for i in "12"]
        holders = [first, *others]
        assert len({holder.add(film)["id"] for holder in holders}) == 1
        for holder in holders:
            holder.restart_flags()
        yield holders


@pytest.fixture
def holders(trio: list[NodeProcess]) -> list[NodeProcess]:
    """The three, alive."""
    for holder in trio:
        if holder.process is None or holder.process.poll() is not None:
            holder.start()
    return trio


def test_three_holders_share_the_work(
    film: Path, holders: list[NodeProcess], start: Start, tmp_path: Path
) -> None:
    fetcher = start(tmp_path / "fetcher", join=holders[0].peer_id)
    video_id = begin_fetch(fetcher, "film", 3)
    fetcher.complete(video_id)
    shares = downloaded(fetcher, video_id)
    of_each = [shares[swarm_address(holder)] for holder in holders]
    assert min(of_each) > 0
    assert max(of_each) < 0.6 * sum(shares.values())
    assert fetcher.stream(video_id).content == film.read_bytes()


def test_a_holder_dies_in_the_middle(
    film: Path, holders: list[NodeProcess], start: Start, tmp_path: Path
) -> None:
    fetcher = start(tmp_path / "fetcher", join=holders[0].peer_id)
    video_id = begin_fetch(fetcher, "film", 3)
    until_arrived(fetcher, video_id, 0.2)
    fetcher.until(
        lambda: downloaded(fetcher, video_id), lambda of: of.get(swarm_address(holders[1]), 0)
    )
    holders[1].kill()
    assert fetcher.get(f"videos/{video_id}")["state"] == "fetching"
    before = downloaded(fetcher, video_id)
    assert fetcher.complete(video_id)["detail"] == ""
    after = downloaded(fetcher, video_id)
    for survivor in (holders[0], holders[2]):
        assert after[swarm_address(survivor)] > before[swarm_address(survivor)]
    assert fetcher.stream(video_id).content == film.read_bytes()


def test_all_die_and_one_returns(
    film: Path, holders: list[NodeProcess], start: Start, tmp_path: Path
) -> None:
    fetcher = start(tmp_path / "fetcher", join=holders[0].peer_id)
    video_id = begin_fetch(fetcher, "film", 3)
    until_arrived(fetcher, video_id, 0.2)
    for holder in holders:
        holder.kill()
    until_alone(fetcher, video_id)
    holders[2].start()
    assert fetcher.complete(video_id)["detail"] == ""
    assert fetcher.stream(video_id).content == film.read_bytes()


def test_a_holder_known_through_others_returns_elsewhere(
    film: Path, start: Start, tmp_path: Path
) -> None:
    """The fetcher never knows the holder as a peer: only the relay tells of it, by FIND."""
    relay = start(tmp_path / "relay")
    holder = start(tmp_path / "holder", join=relay.peer_id, upload_limit=MEGABYTE)
    holder.add(film)
    fetcher = start(tmp_path / "fetcher", "--max-peers", "1", join=relay.peer_id)
    video_id = begin_fetch(fetcher, "film", 1)
    assert [peer["id"] for peer in fetcher.get("peers")] == [relay.peer_id]
    until_arrived(fetcher, video_id, 0.2)
    earlier = swarm_address(holder)
    holder.kill()
    until_alone(fetcher, video_id)
    holder.start()  # on other ports
    assert swarm_address(holder) != earlier
    fetcher.complete(video_id)
    assert downloaded(fetcher, video_id)[swarm_address(holder)] > 0
    assert [peer["id"] for peer in fetcher.get("peers")] == [relay.peer_id]
