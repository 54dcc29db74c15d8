from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from tests.clips import make_clip
from tests.media.helpers import cut, digest, import_as_nobody, import_with_limit, listing

from p2ptube.errors import (
    DamagedMedia,
    InvalidInput,
    MediaError,
    NotAVideo,
    NotFound,
    OurBug,
    P2PTubeError,
    StorageError,
)
from p2ptube.media.convert import Imported, import_media
from p2ptube.media.progress import Progress
from p2ptube.media.worker import run_in_worker

Clips = Callable[[str], Path]


def refuse(source: Path, directory: Path, error: type[P2PTubeError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        import_media(source, directory, lambda _progress: None)
    assert source.name in str(caught.value)
    assert not directory.exists() or listing(directory) == []


def test_missing(tmp_path: Path) -> None:
    refuse(tmp_path / "none.mp4", tmp_path / "out", NotFound, "there is no file")


def test_a_directory(tmp_path: Path) -> None:
    refuse(tmp_path, tmp_path / "out", InvalidInput, "is a directory")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    refuse(tmp_path / "pipe.mp4", tmp_path / "out", InvalidInput, "not a regular file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device(device: str, tmp_path: Path) -> None:
    refuse(Path(device), tmp_path / "out", InvalidInput, "not a regular file")


def test_a_name_with_a_nul(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        import_media(Path("a\0b.mp4"), tmp_path, lambda _progress: None)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    refuse(tmp_path / "empty.mp4", tmp_path / "out", NotAVideo, "is empty")


NO_VIDEOS = {
    "text.mp4": b"This is no video at all, whatever its name says.\n" * 100,
    "archive.zip": b"PK\x03\x04" + bytes(5000),
    "noise.mkv": bytes(range(7, 251)) * 1000,
    "zeros.mp4": bytes(100_000),
    "list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nend.ts\n#EXT-X-ENDLIST\n",
    "script.ffconcat": b"ffconcat version 1.0\nfile end.ts\n",
}


@pytest.mark.parametrize("name", NO_VIDEOS)
def test_no_video(tmp_path: Path, clip: Clips, name: str) -> None:
    shutil.copyfile(clip("end.ts"), tmp_path / "end.ts")  # what the lists point to is never read
    (tmp_path / name).write_bytes(NO_VIDEOS[name])
    refuse(tmp_path / name, tmp_path / "out", NotAVideo, "is not a video")


def test_a_still_picture(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "still.gif",
        video="gif",
        audio=None,
        seconds=0.1,
        fps=10,
        pixel_format="rgb8",
        size=(64, 64),
    )
    refuse(source, tmp_path / "out", NotAVideo, "is a still picture")


@pytest.mark.parametrize("name", ["sound.m4a", "sound.mp3"])
def test_sound_alone(clip: Clips, tmp_path: Path, name: str) -> None:
    refuse(clip(name), tmp_path / "out", NotAVideo, "sound but no pictures")


def test_sound_with_a_cover(clip: Clips, tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("PyAV cannot write a cover; needs the program ffmpeg")
    source = tmp_path / "album.m4a"
    cover = "-f lavfi -i color=red:size=64x64:duration=0.04 -map 0 -map 1:v -c:a copy -c:v mjpeg"
    command = ["ffmpeg", "-v", "error", "-i", str(clip("sound.m4a")), *cover.split()]
    command += ["-frames:v", "1", "-disposition:v", "attached_pic", str(source)]
    subprocess.run(command, check=True)
    refuse(source, tmp_path / "out", NotAVideo, "sound but no pictures")


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.98])
@pytest.mark.parametrize("name", ["end.mp4", "front.mp4"])
def test_a_truncated_mp4(clip: Clips, tmp_path: Path, name: str, share: float) -> None:
    source = cut(clip(name), tmp_path / name, share)
    refuse(source, tmp_path / "out", DamagedMedia, "incomplete|damaged")


def test_an_index_that_points_beyond_the_end(clip: Clips, tmp_path: Path) -> None:
    # The size of the last box, 0, says that it reaches to the end, wherever that is.
    data = bytearray(clip("front.mp4").read_bytes())
    at = data.index(b"mdat") - 4
    data[at : at + 4] = bytes(4)
    source = tmp_path / "front.mp4"
    source.write_bytes(data[: int(len(data) * 0.8)])
    refuse(source, tmp_path / "out", DamagedMedia, "incomplete")


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("name", ["end.mkv", "mpeg4.avi", "hevc.mkv"])
def test_a_truncated_file_of_another_kind(
    clip: Clips, tmp_path: Path, name: str, share: float
) -> None:
    source = cut(clip(name), tmp_path / name, share)
    refuse(source, tmp_path / "out", DamagedMedia, "incomplete|damaged")


def test_a_transport_stream_may_end_anywhere(clip: Clips, tmp_path: Path) -> None:
    source = cut(clip("end.ts"), tmp_path / "recording.ts", 0.5)
    imported = import_media(source, tmp_path / "out", lambda _progress: None)
    assert 9 < imported.duration < 11


def test_garbage_instead_of_pictures(clip: Clips, tmp_path: Path) -> None:
    data = bytearray(clip("end.mp4").read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 8
    data[start:end] = bytes(end - start)
    source = tmp_path / "garbage.mp4"
    source.write_bytes(data)
    refuse(source, tmp_path / "out", DamagedMedia, "no picture of it can be decoded")


@pytest.mark.parametrize("name", ["end.mp4", "fragmented.mp4", "hevc.mkv", "mpeg4.avi", "end.ts"])
def test_flipped_bytes_give_a_video_or_a_clear_error(
    clip: Clips, tmp_path: Path, name: str
) -> None:
    random = Random(name)
    source = tmp_path / name
    for _ in range(6):
        data = bytearray(clip(name).read_bytes())
        reach = random.choice([2000, len(data)])
        for _ in range(random.choice([1, 20, 200])):
            data[random.randrange(reach)] = random.randrange(256)
        source.write_bytes(data)
        with contextlib.suppress(MediaError):
            import_media(source, tmp_path / "out", lambda _progress: None)
        assert not list(tmp_path.glob("out/.import-*"))


async def test_no_permission(clip: Clips) -> None:
    # Not below tmp_path: pytest lets no other user in there.
    base = Path("/tmp") / f"p2ptube-permission-{os.getpid()}"
    base.mkdir(mode=0o755)
    try:
        source = base / "secret.mp4"
        shutil.copyfile(clip("front.mp4"), source)
        source.chmod(0)
        with pytest.raises(InvalidInput, match=r"secret\.mp4 may not be read"):
            await run_in_worker(import_as_nobody, source, base / "out")
        source.chmod(0o644)
        shutil.copyfile(clip("end.mp4"), base / "end.mp4")
        (base / "end.mp4").chmod(0o644)
        (base / "mine").mkdir(mode=0o555)
        with pytest.raises(StorageError, match="cannot write to"):
            await run_in_worker(import_as_nobody, base / "end.mp4", base / "mine")
        assert listing(base / "mine") == []
    finally:
        shutil.rmtree(base)


@pytest.mark.parametrize("name", ["end.mp4", "mpeg4.avi"])
async def test_a_disk_that_takes_no_more(clip: Clips, tmp_path: Path, name: str) -> None:
    before = digest(clip(name))
    with pytest.raises(StorageError, match="cannot be imported: the file system allows"):
        await run_in_worker(import_with_limit, clip(name), tmp_path, 200_000)
    assert listing(tmp_path) == []
    assert digest(clip(name)) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    path = tmp_path / "small"
    path.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], check=False, capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"needs the right to mount: {mount.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_disk_without_room_for_a_copy(clip: Clips, small_disk: Path) -> None:
    refuse(clip("end.mp4"), small_disk, StorageError, "the disk is full")


def test_a_disk_that_gets_full(clip: Clips, small_disk: Path) -> None:
    refuse(clip("long.mkv"), small_disk, StorageError, "the disk is full")


async def begin(source: Path, directory: Path) -> tuple[asyncio.Task[Imported], Path]:
    """Start an import; return its task and its scratch directory once it is being written to."""
    begun = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        if progress.stage == "transcode" and progress.fraction > 0:
            begun.set()

    task = asyncio.create_task(
        run_in_worker(import_media, source, directory, on_progress=on_progress)
    )
    async with asyncio.timeout(30):
        await begun.wait()
    (scratch,) = directory.iterdir()
    return task, scratch


async def test_cancelled_in_the_middle(clip: Clips, tmp_path: Path) -> None:
    before = digest(clip("long.mkv"))
    task, scratch = await begin(clip("long.mkv"), tmp_path)
    assert scratch.is_dir()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert listing(tmp_path) == []
    assert digest(clip("long.mkv")) == before


async def test_killed_in_the_middle(clip: Clips, tmp_path: Path) -> None:
    before = digest(clip("long.mkv"))
    task, _scratch = await begin(clip("long.mkv"), tmp_path)
    for child in children():
        os.kill(child, 9)
    with pytest.raises(OurBug, match=r"killed \(signal 9\), perhaps for lack of memory"):
        await task
    assert listing(tmp_path) == []
    assert digest(clip("long.mkv")) == before


def children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [
        int(pid)
        for pid in listed.split()
        if b"worker_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
