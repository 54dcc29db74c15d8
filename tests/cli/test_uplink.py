"""What `p2ptube doctor` says of the line."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from p2ptube.cli.doctor import uplink
from p2ptube.config import Config

QUIET = {"upload_limit": 0, "yielding_limit": 0, "uplink_delay": None}
BUSY = {"upload_limit": 2_000_000, "yielding_limit": 950_000, "uplink_delay": 0.0214}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (None, "uploads yield to other traffic"),
        (QUIET, "nothing is measured now, not limited by it now"),
        (BUSY, "wait 21 ms, limited to 950 kB/s, at most 2.0 MB/s at this hour"),
        ({"peer_id": "of an older version"}, "nothing is measured now"),
    ],
)
def test_how_the_line_stands(
    monkeypatch: pytest.MonkeyPatch, node: dict[str, Any] | None, words: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    finding = uplink(Config(yielding=True), node)
    assert finding.state == "ok"
    assert words in finding.text


def test_where_uploads_cannot_yield_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    finding = uplink(Config(yielding=True), None)
    assert finding.state == "ok"  # nothing is wrong with the installation
    assert "upload limit" in finding.text


@pytest.mark.parametrize(("platform", "advised"), [("linux", True), ("win32", False)])
def test_where_they_do_not_yield_it_says_how_they_would(
    monkeypatch: pytest.MonkeyPatch, platform: str, advised: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    finding = uplink(Config(yielding=False), BUSY)
    assert finding.state == "ok"
    assert "do not yield" in finding.text
    assert ("--yielding" in finding.text) is advised
