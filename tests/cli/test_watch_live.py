"""What follows a video at a terminal, as the node's events tell of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.fakes import VIDEO_ID, FakeNode, a_video

from p2ptube.cli.client import find_running
from p2ptube.cli.output import Output
from p2ptube.cli.watch_live import Viewer
from p2ptube.errors import NotFound, P2PTubeError
from p2ptube.models import VideoState


async def test_a_video_that_is_not_kept_may_go_while_it_is_followed(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address still plays it, so the command has to go on."""
    node.known[VIDEO_ID] = a_video(state=VideoState.FETCHING)
    api = await find_running(tmp_path)
    assert api is not None

    def gone(video_id: str) -> None:
        raise NotFound(f"{video_id} is not here")

    async def events() -> AsyncIterator[tuple[str, Any]]:
        yield "", None
        assert viewer.video["state"] == "fetching"
        node.known[VIDEO_ID] = a_video(state=VideoState.REMOTE)
        monkeypatch.setattr(node, "swarm", gone)
        yield "", None
        assert viewer.video["state"] == "remote"

    async with api:
        video = await api.get(f"videos/{VIDEO_ID}")
        viewer = Viewer(api, Output(json=False), video, head=[], shown=False)
        with pytest.raises(P2PTubeError, match="the node has stopped"):
            await viewer.follow(events())
    assert viewer.video["state"] == "remote"
