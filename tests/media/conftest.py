from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.media.helpers import CLIPS

Clips = Callable[[str], Path]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Returns the clip of a name in CLIPS, made once per session. Never change the file."""
    directory = tmp_path_factory.mktemp("clips")

    def get(name: str) -> Path:
        path = directory / name
        if not path.exists():
            aside = directory / f"making-{name}"
            make_clip(aside, **CLIPS[name])
            aside.rename(path)
        return path

    return get
