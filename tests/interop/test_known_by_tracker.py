"""Nodes that nobody joined: a tracker alone brings them together."""

from __future__ import annotations

from pathlib import Path

from tests.clips import make_clip
from tests.interop.meeting import Meeting, until_counted
from tests.node.checks import downloaded, swarm_address
from tests.nodes import nodes

from p2ptube.swarm.publish import magnet_link

MEGABYTE = 1_000_000


def test_three_holders_that_only_the_tracker_knows_share_the_work(
    meeting: Meeting, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "film.mp4", seconds=15, bit_rate=3_000_000, faststart=True)
    tracker = meeting.alone.http
    with nodes() as start:
        flags = ("--tracker", tracker)
        holders = [start(tmp_path / i, *flags, upload_limit=MEGABYTE) for i in "123"]
        (video_id,) = {holder.add(film)["id"] for holder in holders}
        until_counted(tracker, video_id, seeds=3)
        fetcher = meeting.fetcher
        link = magnet_link(video_id, film.name, (tracker,))
        fetcher.post(f"videos/{fetcher.post('videos/resolve', {'target': link})['id']}/fetch")
        fetched = fetcher.complete(video_id)
        assert Path(fetched["path"]).read_bytes() == film.read_bytes()
        shares = downloaded(fetcher, video_id)
        for holder in holders:
            # None waits for another: each sends at the same rate, about a third.
            assert 0.1 < shares[swarm_address(holder)] / sum(shares.values()) < 0.6
            assert holder.get("peers") == []
