from __future__ import annotations

import asyncio
import hashlib
import stat
from pathlib import Path

import msgspec
import pytest
from tests.library.sample import envelope, full_record, record, video_id

from p2ptube.errors import InvalidInput, NotFound, OurBug, ProtocolViolation, StorageError
from p2ptube.library import Library, PeerRecord, PendingImport, VideoRecord
from p2ptube.models import Holder, SignedDescriptor, VideoState


async def reopened(library: Library, tmp_path: Path) -> Library:
    await library.close()
    return await Library.open(tmp_path / "library.db")


async def test_every_field_survives(library: Library, tmp_path: Path) -> None:
    full = full_record()
    for name in VideoRecord.__struct_fields__:
        assert getattr(full, name) != getattr(record(0), name), f"{name} proves nothing"
    await library.put_video(full)
    await library.put_video(record(1))
    library = await reopened(library, tmp_path)
    assert await library.get_video(full.id) == full
    assert await library.get_video(video_id(1)) == record(1)
    assert await library.get_video(video_id(2)) is None
    await library.close()


async def test_all_videos_newest_first(library: Library) -> None:
    for number in (2, 5, 1):
        await library.put_video(record(number, torrent=b"i%de" % number))
    assert [v.id for v in await library.all_videos()] == [video_id(n) for n in (5, 2, 1)]
    assert [v.torrent for v in await library.all_videos()] == [b"i5e", b"i2e", b"i1e"]
    assert [v.torrent for v in await library.all_videos(torrents=False)] == [None] * 3


async def test_a_replaced_record_keeps_its_torrent(library: Library) -> None:
    await library.put_video(record(1, torrent=b"de"))
    await library.put_resume(video_id(1), b"resume")
    await library.put_video(record(1, title="New"))
    assert await library.get_video(video_id(1)) == record(1, title="New", torrent=b"de")
    assert await library.get_resume(video_id(1)) == b"resume"
    assert [v.title for v in await library.search("new", 10)] == ["New"]
    assert await library.search("title", 10) == []


async def test_update_state_and_holders(library: Library) -> None:
    await library.put_video(record(1))
    updated = await library.update_video(video_id(1), title="Other", size=9)
    assert updated == record(1, title="Other", size=9)
    assert await library.get_video(video_id(1)) == updated
    assert len(await library.search("other", 10)) == 1
    await library.set_state(video_id(1), VideoState.ERROR, "gone")
    await library.set_holders(video_id(1), (Holder(peer="a:1"),))
    after = await library.get_video(video_id(1))
    assert after == msgspec.structs.replace(
        updated, state=VideoState.ERROR, detail="gone", holders=(Holder(peer="a:1"),)
    )


async def test_changes_of_what_is_not_there(library: Library) -> None:
    with pytest.raises(NotFound):
        await library.update_video(video_id(1), title="x")
    with pytest.raises(NotFound):
        await library.set_state(video_id(1), VideoState.ERROR)
    await library.set_holders(video_id(1), ())
    await library.put_resume(video_id(1), b"late")
    assert await library.get_resume(video_id(1)) is None
    assert not await library.delete_video(video_id(1))


async def test_what_is_never_stored(library: Library) -> None:
    with pytest.raises(OurBug):
        await library.put_video(record(1, state=VideoState.REMOTE))
    with pytest.raises(OurBug):
        await library.put_video(record(1, id="x"))
    with pytest.raises(InvalidInput):
        await library.put_video(record(1, title="lone \ud800"))
    with pytest.raises(InvalidInput):
        await library.put_video(record(1, size=2**70))
    bad = SignedDescriptor(payload=b"no descriptor", key=bytes(32), sig=bytes(64))
    with pytest.raises(ProtocolViolation):
        await library.put_video(record(1, envelope=bad))
    with pytest.raises(OurBug):
        await library.put_video(record(2))
        await library.update_video(video_id(2), id=video_id(1))
    assert [v.id for v in await library.all_videos()] == [video_id(2)]


async def test_delete_takes_all_that_belongs_to_it(library: Library) -> None:
    await library.put_video(record(1, torrent=b"de"))
    await library.put_video(record(2))
    await library.put_resume(video_id(1), b"resume")
    assert await library.delete_video(video_id(1))
    assert await library.get_video(video_id(1)) is None
    assert await library.get_resume(video_id(1)) is None
    assert [v.id for v in await library.search("title", 10)] == [video_id(2)]
    await library.put_video(record(1))
    assert await library.get_video(video_id(1)) == record(1)
    assert await library.get_resume(video_id(1)) is None


async def test_by_file_name(library: Library) -> None:
    await library.put_video(record(1, file_name="a.mp4", state=VideoState.COMPLETE))
    await library.put_video(record(2, file_name="a.mp4", state=VideoState.FETCHING))
    await library.put_video(record(3, file_name="b.mp4", state=VideoState.ERROR))
    found = await library.by_file_name("a.mp4")
    assert found is not None and found.id == video_id(1)
    assert await library.by_file_name("b.mp4") is None
    assert await library.by_file_name("A.mp4") is None


async def test_blobs_live_as_long_as_a_video_needs_them(library: Library, tmp_path: Path) -> None:
    poster = await library.put_blob(b"poster")
    captions = await library.put_blob(b"captions")
    orphan = await library.put_blob(b"orphan")
    assert poster == hashlib.sha256(b"poster").hexdigest()
    await library.put_video(record(1, poster=poster, envelope=envelope(1, captions)))
    await library.put_video(record(2, poster=poster))
    assert await library.get_blob(orphan) == b"orphan", "its import may still be under way"
    library = await reopened(library, tmp_path)
    assert await library.get_blob(orphan) is None
    await library.delete_video(video_id(1))
    assert await library.get_blob(captions) is None
    assert await library.get_blob(poster) == b"poster"
    other = await library.put_blob(b"other")
    await library.update_video(video_id(2), poster=other)
    assert await library.get_blob(poster) is None
    assert await library.get_blob(other) == b"other"
    await library.close()


async def test_peers_are_replaced(library: Library) -> None:
    first = PeerRecord(id="a:1", host="a", port=1)
    second = PeerRecord(
        id="b:2",
        host="b",
        port=2,
        kind="p2ptube",
        name="B",
        key="ab",
        swarm_port=3,
        last_seen=5.5,
    )
    await library.put_peers([first])
    await library.put_peers([first, second])
    assert await library.all_peers() == [second, first]
    await library.put_peers([second])
    assert await library.all_peers() == [second]


async def test_pending_imports_survive(library: Library, tmp_path: Path) -> None:
    first = PendingImport(id="j1", source="/in/\udcffa", owned=True, title="A", added_at=2.0)
    second = PendingImport(id="j2", source="/in/b", owned=False, added_at=1.0)
    await library.put_pending_import(first)
    await library.put_pending_import(second)
    library = await reopened(library, tmp_path)
    assert await library.all_pending_imports() == [second, first]
    await library.delete_pending_import("j1")
    await library.delete_pending_import("unknown")
    assert await library.all_pending_imports() == [second]
    await library.close()


async def test_settings(library: Library) -> None:
    assert await library.get_setting("a") is None
    assert await library.get_setting("a", 5) == 5
    await library.put_setting("a", {"x": [1, None, "ü"]})
    await library.put_setting("b", False)
    assert await library.get_setting("a") == {"x": [1, None, "ü"]}
    assert await library.get_setting("b", True) is False


async def test_writes_at_the_same_time_all_arrive(library: Library) -> None:
    await asyncio.gather(*(library.put_video(record(n)) for n in range(100)))
    assert len(await library.all_videos()) == 100
    sizes = [library.update_video(video_id(1), size=n) for n in range(20)]
    assert len(await asyncio.gather(*sizes)) == 20


async def test_a_failed_write_leaves_nothing(library: Library) -> None:
    bad = SignedDescriptor(payload=b"{}", key=bytes(32), sig=bytes(64))
    with pytest.raises(ProtocolViolation):  # comes after the row was written
        await library.put_video(record(1, envelope=bad))
    assert await library.all_videos() == []
    assert await library.search("title", 5) == []


async def test_closed(library: Library) -> None:
    pending = asyncio.ensure_future(library.put_setting("last", 1))
    await asyncio.sleep(0)
    await library.close()
    await pending
    await library.close()
    with pytest.raises(StorageError, match="closed"):
        await library.all_videos()


async def test_the_file_is_private(library: Library, tmp_path: Path) -> None:
    await library.put_setting("a", 1)
    files = list(tmp_path.iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_close_leaves_one_file(library: Library, tmp_path: Path) -> None:
    await library.put_setting("a", 1)
    await library.close()
    assert [file.name for file in tmp_path.iterdir()] == ["library.db"]
