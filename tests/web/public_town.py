"""A node with a public port and videos of every visibility, and what its pages say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
UNKNOWN = "f" * 40
PAGE = {"accept": "text/html"}


def public_url(node: NodeProcess) -> str:
    return f"http://127.0.0.1:{node.info['ports']['public']}"


def stranger(node: NodeProcess) -> httpx.Client:
    return httpx.Client(base_url=public_url(node), timeout=30)


class Town(NamedTuple):
    """A node, a stranger, and its videos by what they are."""

    node: NodeProcess
    web: httpx.Client
    videos: dict[str, dict[str, Any]]
    file: Path


@contextmanager
def a_town(folder: Path) -> Iterator[Town]:
    """Start the node, and add its videos."""
    with nodes() as start:
        node = start(folder / "node", "--name", "Ada <i>", "--public-port", "0")
        videos = {}
        for number, kind in enumerate(("public", "unlisted", "private", "hostile")):
            clip = make_clip(
                folder / f"{kind}.mp4",
                seconds=2 + number / 10,
                size=(320, 180),
                faststart=True,
                title=HOSTILE if kind == "hostile" else f"The {kind} one",
            )
            videos[kind] = node.add(clip)
        for kind in ("unlisted", "private"):
            change(node, videos[kind], visibility=kind)
        change(node, videos["public"], description="First line\nsecond <b>line</b>", language="en")
        change(node, videos["hostile"], description=HOSTILE)
        with stranger(node) as web:
            yield Town(node, web, videos, folder / "public.mp4")


def change(node: NodeProcess, video: dict[str, Any], **changes: str) -> None:
    answer = node.api.patch(f"videos/{video['id']}", json=changes)
    assert answer.is_success, answer.text


class Page(HTMLParser):
    """What a program that unfolds a link reads of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.facts: Any = None
        self._in_facts = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        name = given.get("property") or given.get("name")
        if tag == "meta" and name:
            self.meta.setdefault(name, given.get("content") or "")
        if tag == "link":
            self.links.setdefault(given.get("type") or given.get("rel") or "", given["href"] or "")
        self._in_facts = given.get("id") == "video"

    def handle_data(self, data: str) -> None:
        if self._in_facts and data.strip():
            self.facts = json.loads(data)
            self._in_facts = False
