"""Captions: found in a file that is added, told to others, and handed on by who fetched it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes
from tests.subtitles import Subtitles, add_subtitles, srt

from p2ptube.media.webvtt import decode


def captions(node: NodeProcess, video_id: str, language: str) -> httpx.Response:
    return node.api.get(f"{node.url}/captions/{video_id}/{language}")


def said(node: NodeProcess, video_id: str, language: str) -> list[str]:
    answer = captions(node, video_id, language)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return [cue.text for cue in decode(answer.content)]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    clip = make_clip(tmp_path / "clip.mp4", seconds=4, size=(160, 90), audio=None)
    english, german = srt("<script>alert(1)</script>"), srt("Grüße")
    tracks = [Subtitles("eng", "srt", english), Subtitles("ger", "srt", german)]
    return add_subtitles(clip, tmp_path / "subtitled heron.mkv", tracks)


def test_captions_go_with_the_video(film: Path, tmp_path: Path) -> None:
    with nodes() as start:
        a = start(tmp_path / "a")
        b = start(tmp_path / "b", join=a.peer_id)
        added = a.add(film)
        video_id = added["id"]
        assert added["captions"] == ["en", "de"]
        assert said(a, video_id, "en") == ["alert(1)"]

        # Heard of by a search: they come from their holder, before anything is fetched.
        assert b.find("heron")["captions"] == ["en", "de"]
        assert said(b, video_id, "de") == ["Grüße"]
        for language in ("fr", "en-us", "%2e%2e"):
            assert captions(b, video_id, language).status_code == 404
        assert captions(b, "f" * 40, "en").status_code == 404
        assert httpx.get(f"{b.url}/captions/{video_id}/en").status_code == 401

        # Who fetched the video hands them on when the publisher is away.
        b.post(f"videos/{video_id}/fetch")
        b.complete(video_id)
        b.restart_flags()
        b.stop()
        b.start()
        a.stop()
        assert said(b, video_id, "en") == ["alert(1)"]
        c = start(tmp_path / "c", join=b.peer_id)
        assert c.find("heron")["captions"] == ["en", "de"]
        assert said(c, video_id, "de") == ["Grüße"]


def test_a_title_can_be_changed_and_the_captions_stay(film: Path, tmp_path: Path) -> None:
    with nodes() as start:
        a = start(tmp_path / "a")
        video = a.add(film)
        answer = a.api.patch(f"videos/{video['id']}", json={"title": "Another title"})
        assert answer.json()["captions"] == ["en", "de"]
        assert said(a, video["id"], "en") == ["alert(1)"]
