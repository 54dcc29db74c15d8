"""The fixtures of the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.fakes import FakeNode
from tests.web.serving import served


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    with served(tmp_path) as (fake, _):
        yield fake
