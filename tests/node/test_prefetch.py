"""Prefetching: what real nodes fetch ahead, go on with, and leave nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip, make_large_mp4
from tests.node.checks import assert_is_nothing, entries, problem, sha256, uploaded
from tests.nodes import NodeProcess, nodes

from p2ptube.node.prefetch_plan import LEAST_HEAD
from p2ptube.node.prefetching import MOST_AT_ONCE

SIZE = 12_000_000


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(tmp_path_factory.mktemp("holder") / "a")


@pytest.fixture(scope="module")
def film(holder: NodeProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("films") / "long film.mp4"
    return holder.add(make_large_mp4(path, SIZE, faststart=True))


@pytest.fixture
def viewer(holder: NodeProcess, film: dict[str, Any], tmp_path: Path) -> Iterator[NodeProcess]:
    with nodes() as start:
        node = start(tmp_path / "b", join=holder.peer_id)
        node.find("long film")
        yield node


def prefetch(node: NodeProcess, video_id: str) -> int:
    response = node.api.post(f"videos/{video_id}/prefetch")
    assert response.is_success, response.text
    assert response.content == b""
    return response.status_code


def prefetching(node: NodeProcess, film: dict[str, Any]) -> Path:
    """Have the film fetched ahead; gives the directory in which some of it is by now."""
    prefetch(node, film["id"])
    videos = node.data_dir / "videos"
    node.until(lambda: entries(videos), lambda names: film["file_name"] in names)
    return videos


def given(holder: NodeProcess, video_id: str, before: int) -> int:
    return uploaded(holder, video_id) - before


def test_play_goes_on_with_what_was_fetched_ahead(
    holder: NodeProcess, viewer: NodeProcess, film: dict[str, Any]
) -> None:
    video_id = film["id"]
    before = uploaded(holder, video_id)
    assert prefetch(viewer, video_id) == 202
    assert prefetch(viewer, video_id) == 202
    ahead = viewer.data_dir / "videos" / ".prefetch" / video_id
    viewer.until(lambda: given(holder, video_id, before), lambda came: came >= LEAST_HEAD)
    viewer.until(lambda: entries(ahead), lambda names: names == [film["file_name"]])
    # Nothing shows it.
    assert viewer.get(f"videos/{video_id}")["state"] == "remote"
    assert viewer.get("videos") == []
    problem(viewer.api.get(f"videos/{video_id}/swarm"), 404)

    played = viewer.stream(video_id)
    assert sha256(played.content) == film["sha256"]
    complete = viewer.complete(video_id)
    assert complete["path"] == str(viewer.data_dir / "videos" / video_id / film["file_name"])
    assert sha256(Path(complete["path"]).read_bytes()) == film["sha256"]
    # No piece came twice, and all of them over one connection.
    assert given(holder, video_id, before) <= film["size"] + film["size"] // 10
    assert len(viewer.get(f"videos/{video_id}/swarm")["peers"]) == 1
    viewer.until(lambda: entries(ahead.parent), lambda left: left == [])
    assert viewer.delete(f"videos/{video_id}/prefetch") is None
    assert viewer.get(f"videos/{video_id}")["state"] == "complete"
    assert prefetch(viewer, video_id) == 204
    assert prefetch(holder, video_id) == 204


def bring_and_cancel(holder: NodeProcess, viewer: NodeProcess, film: dict[str, Any]) -> None:
    video_id = film["id"]
    before = uploaded(holder, video_id)
    assert prefetch(viewer, video_id) == 202
    viewer.until(lambda: given(holder, video_id, before), lambda came: came >= LEAST_HEAD)
    viewer.delete(f"videos/{video_id}/prefetch")
    viewer.delete(f"videos/{video_id}/prefetch")
    assert_is_nothing(viewer.data_dir / "videos")
    assert given(holder, video_id, before) < film["size"]


def test_cancelled_it_leaves_nothing(
    holder: NodeProcess, viewer: NodeProcess, film: dict[str, Any]
) -> None:
    video_id = film["id"]
    for _ in range(2):
        bring_and_cancel(holder, viewer, film)
    assert viewer.get("videos") == []
    assert viewer.get(f"videos/{video_id}")["state"] == "remote"


def test_a_run_that_is_killed_leaves_nothing_to_the_next(
    viewer: NodeProcess, film: dict[str, Any]
) -> None:
    videos = prefetching(viewer, film)
    viewer.kill()
    assert film["file_name"] in entries(videos)
    viewer.start()
    assert_is_nothing(videos)
    assert viewer.get("videos") == []


def test_a_node_that_ends_in_order_leaves_nothing(
    viewer: NodeProcess, film: dict[str, Any]
) -> None:
    videos = prefetching(viewer, film)
    viewer.stop()
    assert_is_nothing(videos)


def test_no_more_than_some_at_once(
    holder: NodeProcess, viewer: NodeProcess, tmp_path: Path
) -> None:
    ids = []
    for number in range(MOST_AT_ONCE + 1):
        path = make_clip(tmp_path / f"many {number}.mp4", seconds=2, size=(320, 180), audio=None)
        ids.append(holder.add(path)["id"])
    viewer.until(lambda: viewer.search("many"), lambda found: len(found) == len(ids))
    directory = viewer.data_dir / "videos" / ".prefetch"
    for video_id in ids:
        assert prefetch(viewer, video_id) == 202
        prefetch(viewer, ids[0])  # still looked at
    kept = sorted({ids[0], *ids[2:]})
    viewer.until(
        lambda: sorted(entry.name for entry in directory.iterdir()), lambda names: names == kept
    )


def test_when_nothing_is_fetched_ahead(
    viewer: NodeProcess, film: dict[str, Any], tmp_path: Path
) -> None:
    problem(viewer.api.post(f"videos/{'0' * 40}/prefetch"), 404)
    assert viewer.delete(f"videos/{'0' * 40}/prefetch") is None
    viewer.patch("settings", {"prefetch": False})
    assert prefetch(viewer, film["id"]) == 204
    viewer.patch("settings", {"prefetch": True})
    assert prefetch(viewer, film["id"]) == 202
    # Switched off, it ends what there is.
    viewer.patch("settings", {"prefetch": False})
    viewer.until(lambda: entries(viewer.data_dir / "videos"), lambda left: left == [])


def test_a_file_that_is_added_meanwhile(
    viewer: NodeProcess, film: dict[str, Any], tmp_path: Path
) -> None:
    """The same file, by this node's user: it is shared, and what was fetched ahead goes."""
    prefetch(viewer, film["id"])
    viewer.until(
        lambda: entries(viewer.data_dir / "videos"), lambda names: film["file_name"] in names
    )
    added = viewer.add(Path(film["path"]))
    assert (added["id"], added["state"]) == (film["id"], "complete")
    viewer.until(lambda: entries(viewer.data_dir / "videos"), lambda left: left == [])
    assert sha256(viewer.stream(film["id"]).content) == film["sha256"]
    viewer.until(
        lambda: viewer.get(f"videos/{film['id']}/swarm")["pieces"], lambda p: set(p) == {"1"}
    )
