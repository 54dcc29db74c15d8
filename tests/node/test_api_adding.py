"""The HTTP API of a real node: adding videos, and giving up on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.node.checks import (
    assert_is_nothing,
    assert_plays,
    entries,
    job_over,
    problem,
    sha256,
    video_of,
)
from tests.nodes import NodeProcess

FIELDS = "id title duration size width height state progress holders publisher magnet"


def test_add_by_path(a: NodeProcess, fox: Path) -> None:
    answer = a.api.post("videos", json={"path": str(fox)})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["kind"], job["label"]) == ("add", "red fox.mp4")
    video = video_of(a, job)
    assert set(FIELDS.split()) <= set(video)
    assert (video["title"], video["state"], video["progress"]) == ("Red Fox", "complete", 1.0)
    assert (video["width"], video["height"], video["mine"]) == (320, 180, True)
    assert video["publisher"]["name"] == "Alice"
    assert video["magnet"].startswith(f"magnet:?xt=urn:btih:{video['id']}")
    assert video["id"] in {each["id"] for each in a.get("videos")}
    assert job["id"] in {each["id"] for each in a.get("jobs")}
    problem(a.api.delete(f"jobs/{job['id']}"), 409)
    problem(a.api.delete("jobs/none"), 404)
    problem(a.api.get("jobs/none"), 404)
    again = video_of(a, a.post("videos", {"path": str(fox)}))
    assert again["id"] == video["id"]
    assert len([each for each in a.get("videos") if each["id"] == video["id"]]) == 1


def test_a_file_of_the_node_itself_is_not_added(a: NodeProcess, folder: Path) -> None:
    video = a.add(make_clip(folder / "made.mkv", seconds=2, size=(320, 180)))
    own = Path(video["path"])
    assert a.data_dir in own.parents
    assert "own folder" in problem(a.api.post("videos", json={"path": str(own)}), 400)
    link = folder / "link.mp4"
    link.symlink_to(own)
    assert "own folder" in problem(a.api.post("videos", json={"path": str(link)}), 400)


def test_what_cannot_be_added(a: NodeProcess, folder: Path) -> None:
    assert "no file" in problem(a.api.post("videos", json={"path": "/no/such.mp4"}), 404)
    assert "directory" in problem(a.api.post("videos", json={"path": str(folder)}), 400)
    text = folder / "text.mp4"
    text.write_text("This is no video. " * 1000)
    failed = job_over(a, a.post("videos", {"path": str(text)}))
    assert (failed["state"], failed["video"]) == ("failed", None)
    assert failed["error"]
    assert "Traceback" not in failed["error"]
    assert_is_nothing(a.data_dir / "incoming")


def test_upload(a: NodeProcess, folder: Path) -> None:
    path = make_clip(folder / "Über uns.mkv", seconds=3, size=(320, 180))
    with path.open("rb") as file:
        answer = a.api.post("videos", files={"file": (path.name, file)})
    assert answer.status_code == 202, answer.text
    video = video_of(a, answer.json())
    assert (video["title"], video["in_place"]) == ("Über uns", False)
    assert_plays(Path(video["path"]), 3)
    assert_is_nothing(a.data_dir / "incoming")
    # A file that is right already is moved, not copied and not left behind.
    right = make_clip(folder / "right.mp4", seconds=3, size=(320, 180), faststart=True)
    video = video_of(a, a.api.post("videos", files={"file": right.open("rb")}).json())
    assert video["sha256"] == sha256(right.read_bytes())
    assert Path(video["path"]).is_relative_to(a.data_dir / "videos")
    assert_is_nothing(a.data_dir / "incoming")


def test_an_upload_that_breaks_off_leaves_nothing(a: NodeProcess) -> None:
    before = {job["id"] for job in a.get("jobs")}

    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="half.mp4"\r\n\r\n'
        yield b"half" * 10_000
        a.until(lambda: entries(a.data_dir / "incoming"), lambda names: "half.mp4" in names)
        raise ConnectionAbortedError

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionAbortedError):
        a.api.post("videos", content=body(), headers=headers)
    a.until(lambda: entries(a.data_dir / "incoming"), lambda names: not names)
    assert {job["id"] for job in a.get("jobs")} == before


@pytest.mark.parametrize("way", ["path", "upload"])
def test_an_import_that_is_cancelled_leaves_nothing(
    way: str, a: NodeProcess, folder: Path, large: Path
) -> None:
    slow = folder / f"slow {way}.avi"
    make_clip(slow, seconds=20, size=(1280, 720), fps=10, video="mpeg4", audio="libmp3lame")
    before = sorted(entries(a.data_dir / "videos"))
    listed = {video["id"] for video in a.get("videos")}
    if way == "path":
        job = a.post("videos", {"path": str(slow)})
    else:
        with slow.open("rb") as file:
            job = a.api.post("videos", files={"file": file}).json()
    path = f"jobs/{job['id']}"
    running = a.until(lambda: a.get(path), lambda j: j["progress"] > 0.02)
    assert (running["state"], running["stage"]) == ("running", "transcode")
    cancelled = a.delete(path)
    assert (cancelled["state"], cancelled["video"]) == ("cancelled", None)
    assert_is_nothing(a.data_dir / "incoming")
    assert sorted(entries(a.data_dir / "videos")) == before
    assert {video["id"] for video in a.get("videos")} == listed
    assert slow.exists()


def test_add_by_url(a: NodeProcess, web: tuple[Path, str]) -> None:
    directory, url = web
    path = directory / "blue whale.mkv"
    make_clip(path, seconds=3, size=(320, 180))
    job = a.post("videos", {"url": f"{url}/blue%20whale.mkv"})
    video = video_of(a, job)
    assert video["title"] == "blue whale"
    assert_plays(Path(video["path"]), 3)
    missing = job_over(a, a.post("videos", {"url": f"{url}/missing.mp4"}))
    assert missing["state"] == "failed"
    assert "404" in missing["error"]
    nobody = job_over(a, a.post("videos", {"url": "http://127.0.0.1:1/x.mp4"}))
    assert nobody["state"] == "failed"
    assert_is_nothing(a.data_dir / "incoming")
