"""Which videos that are not kept get a window, and which are here as a whole meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest

from p2ptube.errors import StorageError
from p2ptube.library import VideoRecord
from p2ptube.models import VideoState
from p2ptube.node import unkept
from p2ptube.node.catalog import Catalog
from p2ptube.node.disk_room import check_room
from p2ptube.node.unkept import Unkept
from p2ptube.swarm import Session

MIB = 1024 * 1024


def record(size: int, *, keep: bool = False, duration: float = 0.0) -> VideoRecord:
    return VideoRecord(
        id="ab" * 20,
        title="Film",
        file_name="film.mp4",
        path="/nowhere/film.mp4",
        state=VideoState.FETCHING,
        added_at=0.0,
        size=size,
        duration=duration,
        keep=keep,
    )


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unkept:
    monkeypatch.setattr(unkept, "can_punch", lambda _: True)
    # It only decides here: nothing is fetched.
    nothing = cast(Session, None), cast(Catalog, None)
    return Unkept(*nothing, tmp_path / "videos", lambda: 16 * MIB)


async def test_a_large_video_gets_a_window(parts: Unkept) -> None:
    film = record(1000 * MIB)
    assert await parts.most_bytes(film, film.size) == 16 * MIB
    assert await parts.is_bounded(film)
    assert not await parts.is_bounded(record(1000 * MIB, keep=True))


async def test_a_small_one_is_here_as_a_whole(parts: Unkept) -> None:
    assert await parts.most_bytes(record(10 * MIB), 10 * MIB) == 0
    assert not await parts.is_bounded(record(10 * MIB))


async def test_one_of_unknown_size_begins_with_nothing(parts: Unkept) -> None:
    assert await parts.is_bounded(record(0))


async def test_a_descriptor_cannot_make_the_window_large(parts: Unkept) -> None:
    film = record(10**12, duration=0.001)
    assert await parts.most_bytes(film, film.size) == 4 * 16 * MIB


async def test_the_file_system_is_not_tried_out_on_the_event_loop(
    parts: Unkept, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def tried(_: Path) -> bool:
        threads.append(threading.get_ident())
        return True

    monkeypatch.setattr(unkept, "can_punch", tried)
    assert await parts.is_bounded(record(1000 * MIB))
    assert threads
    assert threading.get_ident() not in threads


async def test_a_file_system_that_gives_nothing_back(
    parts: Unkept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unkept, "can_punch", lambda _: False)
    assert await parts.most_bytes(record(1000 * MIB), 1000 * MIB) == 0
    assert not await parts.is_bounded(record(1000 * MIB))


def test_what_was_forgotten_is_not_kept_when_it_is_played_on(parts: Unkept) -> None:
    assert parts.keeps("a", usual=True)
    parts.remember("a")
    assert not parts.keeps("a", usual=True)
    assert parts.keeps("b", usual=True)
    assert not parts.keeps("b", usual=False)


def test_no_room(tmp_path: Path) -> None:
    check_room(tmp_path / "videos", 1)
    with pytest.raises(StorageError, match="the disk is full: 1,000,000,000,000,000,000 bytes"):
        check_room(tmp_path / "videos", 10**18)
