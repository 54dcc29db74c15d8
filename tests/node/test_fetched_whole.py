"""The whole of what was fetched is checked, also where every single piece is right."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from tests.node.checks import assert_is_nothing
from tests.nodes import NodeProcess, nodes

from p2ptube.descriptor import open_envelope, seal
from p2ptube.identity import Identity
from p2ptube.library import Library

OTHER = "0123456789abcdef" * 4


async def describe_another_file(data_dir: Path, video_id: str) -> None:
    """Have the publisher sign that the whole is another one than its pieces make up."""
    library = await Library.open(data_dir / "library.sqlite")
    record = await library.get_video(video_id)
    assert record is not None
    assert record.envelope is not None
    descriptor = open_envelope(record.envelope)
    source = msgspec.structs.replace(descriptor.sources[0], sha256=OTHER)
    lie = msgspec.structs.replace(descriptor, sources=(source,), sequence=descriptor.sequence + 1)
    identity = Identity.load_or_create(data_dir / "identity.key")
    await library.update_video(video_id, envelope=seal(lie, identity), sha256=OTHER)
    await library.close()


def test_a_file_that_is_not_the_described_one_is_not_kept(tmp_path: Path, fox: Path) -> None:
    with nodes() as start:
        publisher = start(tmp_path / "publisher")
        video_id = publisher.add(fox)["id"]
        publisher.stop()
        asyncio.run(describe_another_file(publisher.data_dir, video_id))
        publisher.start()
        viewer = start(tmp_path / "viewer", join=publisher.peer_id)
        assert viewer.find("fox")["id"] == video_id
        viewer.post(f"videos/{video_id}/fetch")
        seen = viewer.until(lambda: _video(viewer, video_id), lambda v: v["state"] != "fetching")
        assert seen["state"] == "error"
        assert "SHA-256" in seen["detail"]
        assert_is_nothing(viewer.data_dir / "videos" / video_id)


def _video(node: NodeProcess, video_id: str) -> dict[str, str]:
    video: dict[str, str] = node.get(f"videos/{video_id}")
    return video
