from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.library.sample import envelope, record, video_id

from p2ptube.library import Library, PendingImport
from p2ptube.library.migrations import MIGRATIONS, migrate
from p2ptube.models import Visibility

PUBLIC, UNLISTED, PRIVATE = Visibility


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """One video of each kind: "a film" 1 is public, 2 unlisted, 3 private."""
    library = await Library.open(tmp_path / "library.db")
    for number, visibility in enumerate(Visibility, start=1):
        await library.put_video(record(number, title=f"a film {number}", visibility=visibility))
    yield library
    await library.close()


@pytest.mark.parametrize("text", ["", "film", "a", "mp4 film"])
async def test_others_find_what_is_public(library: Library, text: str) -> None:
    shown = await library.search(text, 10, for_others=True)
    assert [found.id for found in shown] == [video_id(1)]
    assert {found.id for found in await library.search(text, 10)} == set(map(video_id, (1, 2, 3)))
    # What is hidden takes nobody's place.
    assert [found.id for found in await library.search(text, 1, for_others=True)] == [video_id(1)]


async def test_by_its_id_others_find_what_is_unlisted(library: Library) -> None:
    for number, found in ((1, True), (2, True), (3, False)):
        for text in (video_id(number), video_id(number).upper()):
            assert bool(await library.search(text, 10, for_others=True)) is found
            assert await library.search(text, 10)
    assert await library.search(f"{video_id(2)} film", 10, for_others=True) == []


@pytest.mark.parametrize("key", ["file", "e-", "FILE-", ".mp4"])
async def test_names_are_those_of_public_files(library: Library, key: str) -> None:
    assert await library.names_matching(key, 10) == ["file-1.mp4"]


async def test_a_file_is_public_by_its_name(library: Library) -> None:
    assert await library.by_file_name("file-2.mp4") is None
    assert await library.by_file_name("file-3.mp4") is None
    await library.put_video(record(4, file_name="file-3.mp4", added_at=1.0))
    found = await library.by_file_name("file-3.mp4")
    assert found is not None
    assert found.id == video_id(4)


async def test_a_blob_is_shared_as_long_as_a_video_that_shows_it_is(library: Library) -> None:
    poster = await library.put_blob(b"poster")
    captions = await library.put_blob(b"captions")
    assert await library.get_shared_blob(poster) is None  # of nothing, so far
    await library.update_video(video_id(3), poster=poster, envelope=envelope(3, captions))
    for sha256 in (poster, captions):
        assert await library.get_shared_blob(sha256) is None
        assert await library.get_blob(sha256) is not None
    await library.update_video(video_id(2), poster=poster)
    assert await library.get_shared_blob(poster) == b"poster"
    assert await library.get_shared_blob(captions) is None
    await library.update_video(video_id(2), visibility=PRIVATE)
    assert await library.get_shared_blob(poster) is None
    await library.update_video(video_id(3), visibility=UNLISTED)
    assert await library.get_shared_blob(captions) == b"captions"


async def test_an_import_keeps_its_visibility(library: Library) -> None:
    pending = PendingImport(id="1", source="/a", owned=False, visibility=PRIVATE, added_at=1.0)
    await library.put_pending_import(pending)
    assert await library.all_pending_imports() == [pending]


async def test_what_an_older_release_wrote_is_public(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db, MIGRATIONS[:1])
    db.execute(
        "INSERT INTO videos SELECT 1, ?, 't', '', '', 'f.mp4', 1, 1, 1, 1, '', '', 0, '', 0, "
        "'complete', '', ?, 0, 0, 1, 1, NULL, 0, NULL, 1, 1, '[]', '[]', NULL",
        (video_id(1), b"/f.mp4"),
    )
    db.execute("INSERT INTO pending_imports VALUES ('1', ?, 0, 't', 1)", (b"/g.mp4",))
    db.close()
    library = await Library.open(path)
    try:
        (video,) = await library.all_videos()
        (pending,) = await library.all_pending_imports()
        assert (video.visibility, pending.visibility) == (PUBLIC, PUBLIC)
    finally:
        await library.close()


def test_the_narrower_of_two() -> None:
    assert [one.narrower(other) for one in Visibility for other in Visibility] == [
        *(PUBLIC, UNLISTED, PRIVATE),
        *(UNLISTED, UNLISTED, PRIVATE),
        *(PRIVATE, PRIVATE, PRIVATE),
    ]
