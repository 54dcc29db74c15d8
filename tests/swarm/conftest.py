from __future__ import annotations

import pytest

from p2ptube.swarm import session


@pytest.fixture(autouse=True)
def quick_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a node looks at every second, tests wait for."""
    monkeypatch.setattr(session, "UPDATE_SECONDS", 0.1)
