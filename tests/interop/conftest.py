"""Two trackers of ours, and nodes that know nobody but these trackers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.interop.meeting import Meeting, a_meeting


@pytest.fixture(scope="session")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    """The trackers, and the two nodes."""
    with a_meeting(tmp_path_factory.mktemp("meeting")) as found:
        yield found


@pytest.fixture(scope="session")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip, of which each test makes a film of its own: see `meeting.film`."""
    path = tmp_path_factory.mktemp("reel") / "reel.mp4"
    return make_clip(path, seconds=2, size=(320, 180), faststart=True)
