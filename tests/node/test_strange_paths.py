"""Whatever strangers call a video: nothing but its own files is moved or deleted with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.node.checks import entries
from tests.node.torrents import stranger
from tests.nodes import NodeProcess, nodes

from p2ptube.descriptor import open_envelope, seal
from p2ptube.identity import Identity
from p2ptube.library import Library, VideoRecord
from p2ptube.models import VideoState
from p2ptube.node.incoming import entry_of

OTHER = "0" * 40  # another video
# {home}: a folder of the user's.
TITLES = [
    "{home}/thesis.txt",
    "{home}/photos",
    "{home}/photos/../thesis.txt",
    "{home}",
    "..",
    ".",
    "/",
    "../..",
    "x/../../..",
    "C:\\Windows\\notes.txt",
    "..\\..\\notes.txt",
    "\\\\server\\share",
    "a:b",
    "x" * 300,
]
# What versions before this wrote into their libraries for such a title.
OLDER = ["{videos}/{id}/" + title for title in TITLES if not title.startswith(("{", "/"))]
OLDER += [title for title in TITLES if title.startswith(("{", "/"))]
OLDER += [
    "{videos}",
    "{videos}/{id}",
    "{videos}/" + OTHER,
    "{videos}/" + OTHER + "/film.mp4",
    "{videos}/{id}/../" + OTHER,
    "{videos}/{id}/film/../../" + OTHER,
    "{videos}/{id}/link",
    "{videos}/{id}/link/thesis.txt",
    "thesis.txt",
    "",
    "a\0b",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "cat.jpg").write_bytes(b"cat")
    (folder / "thesis.txt").write_text("years of work")
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(tmp_path_factory.mktemp("node") / "b")


def assert_untouched(home: Path) -> None:
    assert sorted(entries(home)) == ["cat.jpg", "photos", "thesis.txt"]
    assert (home / "thesis.txt").read_text() == "years of work"


def until_error(node: NodeProcess, video_id: str) -> dict[str, Any]:
    failed: dict[str, Any] = node.until(
        lambda: node.get(f"videos/{video_id}"), lambda video: video["state"] == "error"
    )
    return failed


@pytest.mark.parametrize("title", TITLES)
def test_the_name_in_a_magnet_link(
    node: NodeProcess, home: Path, tmp_path: Path, title: str
) -> None:
    """Its torrent has nothing to play: the fetch fails before it is known where its files are."""
    name = title.format(home=home)
    folder = tmp_path / "Disc"
    folder.mkdir()
    (folder / "notes.txt").write_text(name)
    kept = node.data_dir / "kept"
    before = entries(kept)
    with stranger(folder) as shared:
        node.post("videos/resolve", {"target": f"{shared.magnet}&dn={quote(name)}"})
        node.post(f"videos/{shared.id}/fetch")
        failed = until_error(node, shared.id)
        assert failed["title"] == name
        assert Path(failed["path"]).parent == node.data_dir / "videos" / shared.id
        node.delete(f"videos/{shared.id}", delete_file=False)
    assert_untouched(home)
    assert entries(kept) == before
    assert node.get("videos") == []


async def describe(data_dir: Path, video_id: str, **lies: Any) -> None:
    """Have the publisher sign this."""
    library = await Library.open(data_dir / "library.sqlite")
    record = await library.get_video(video_id)
    assert record is not None
    assert record.envelope is not None
    descriptor = open_envelope(record.envelope)
    source = msgspec.structs.replace(descriptor.sources[0], size=2**53)
    lie = msgspec.structs.replace(descriptor, sources=(source,), **lies)
    identity = Identity.load_or_create(data_dir / "identity.key")
    await library.update_video(video_id, envelope=seal(lie, identity))
    await library.close()


def test_the_title_in_a_descriptor(
    node: NodeProcess, home: Path, fox: Path, tmp_path: Path
) -> None:
    """It is larger than any disk: the fetch fails at once."""
    with nodes() as start:
        publisher = start(tmp_path / "publisher")
        video_id = publisher.add(fox)["id"]
        publisher.stop()
        asyncio.run(describe(publisher.data_dir, video_id, title=str(home / "photos"), sequence=9))
        publisher.start()
        viewer = start(tmp_path / "viewer", join=publisher.peer_id)
        found = viewer.post("videos/resolve", {"target": video_id})
        assert (found["title"], found["size"]) == (str(home / "photos"), 2**53)
        viewer.post(f"videos/{video_id}/fetch")
        failed = until_error(viewer, video_id)
        assert Path(failed["path"]).parent == viewer.data_dir / "videos" / video_id
        viewer.delete(f"videos/{video_id}", delete_file=False)
        assert viewer.get("videos") == []
    assert_untouched(home)


def record(path: str, video_id: str) -> VideoRecord:
    """One that was complete once, as far as it says itself."""
    return VideoRecord(
        id=video_id,
        title="Film",
        file_name="film.mp4",
        path=path,
        state=VideoState.ERROR,
        detail="the file is no longer there",
        added_at=0.0,
        sha256="ab" * 32,
        mtime_ns=1,
    )


@pytest.mark.parametrize("delete_file", [False, True])
def test_paths_in_the_library_of_an_older_version(
    home: Path, tmp_path: Path, delete_file: bool
) -> None:
    data_dir = tmp_path / "b"
    videos = data_dir / "videos"
    ids = [hashlib.sha1(path.encode()).hexdigest() for path in OLDER]

    async def write() -> None:
        library = await Library.open(data_dir / "library.sqlite")
        await library.put_video(record(str(film), OTHER))
        for path, video_id in zip(OLDER, ids, strict=True):
            filled = path.format(home=home, videos=videos, id=video_id)
            await library.put_video(record(filled, video_id))
        await library.close()

    film = videos / OTHER / "film.mp4"
    film.parent.mkdir(parents=True)
    film.write_text("another video")
    for video_id in ids:
        (videos / video_id).mkdir()
        (videos / video_id / "link").symlink_to(home)
    asyncio.run(write())
    with nodes() as start:
        node = start(data_dir)
        assert len(node.get("videos")) == len(ids) + 1
        for video_id in ids:
            node.delete(f"videos/{video_id}", delete_file=delete_file)
        assert [video["id"] for video in node.get("videos")] == [OTHER]
        assert_untouched(home)
        assert sorted(entries(videos)) == [OTHER, "film.mp4"]
        assert entries(data_dir / "kept") == ([] if delete_file else ["link"])
        node.delete(f"videos/{OTHER}", delete_file=delete_file)
    assert entries(videos) == []
    kept = [] if delete_file else ["film.mp4", "link"]
    assert sorted(entries(data_dir / "kept")) == kept


def test_what_lies_in_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "videos" / "ab"
    (directory / "Season" / "1").mkdir(parents=True)
    alias = tmp_path / "alias"
    alias.symlink_to(tmp_path / "data")
    (directory / "film.mp4").touch()
    (directory / "Season" / "1" / "film.mp4").touch()
    (directory.parent / "cd").mkdir()
    (directory.parent / "cd" / "film.mp4").touch()
    for there in (directory, alias / "videos" / "ab"):
        assert entry_of(there / "film.mp4", directory) == directory / "film.mp4"
        assert entry_of(there / "Season" / "1" / "film.mp4", directory) == directory / "Season"
        assert entry_of(there / "missing.mp4", directory) is None
        assert entry_of(there, directory) is None
        assert entry_of(there.parent / "cd" / "film.mp4", directory) is None
    # A file that the user put elsewhere is still that entry.
    (directory / "moved.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    assert entry_of(directory / "moved.mp4", directory) == directory / "moved.mp4"
