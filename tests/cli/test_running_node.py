"""Which node is running: the one that node.json names, where it answers to its token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.web.fakes import FakeNode

from p2ptube.cli.client import find_running


def found(directory: Path) -> bool:
    async def look() -> bool:
        api = await find_running(directory)
        if api is None:
            return False
        async with api:
            return True

    return asyncio.run(look())


def test_the_running_node_is_found(node: FakeNode, tmp_path: Path) -> None:
    assert found(tmp_path)


@pytest.mark.parametrize("change", [{"token": "old"}, {"api": "http://127.0.0.1:1/api/v1"}])
def test_a_stale_node_json_is_no_running_node(
    node: FakeNode, tmp_path: Path, change: dict[str, str]
) -> None:
    file = tmp_path / "node.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert not found(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"api": 5, "token": 5}', '{"api": "x", "token": ""}', "\0"]
)
def test_a_broken_node_json_is_no_running_node(tmp_path: Path, text: str) -> None:
    (tmp_path / "node.json").write_text(text)
    assert not found(tmp_path)


def test_no_node_json_is_no_running_node(tmp_path: Path) -> None:
    assert not found(tmp_path)
