from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from tests.clips import camera_clip, make_clip, make_large_mp4
from tests.media.helpers import SECONDS, decode_all, digest, layout_of, listing

from p2ptube.descriptor import is_plain_file_name
from p2ptube.media.convert import Imported, import_media
from p2ptube.media.probe import probe
from p2ptube.media.progress import Progress

Clips = Callable[[str], Path]


def bring_in(source: Path, directory: Path) -> tuple[Imported, list[Progress]]:
    reports: list[Progress] = []
    before = digest(source)
    imported = import_media(source, directory, reports.append)
    assert digest(source) == before
    return imported, reports


def check_playable(imported: Imported) -> None:
    layout = layout_of(imported.path)
    assert layout.faststart and layout.complete and layout.tidy and not layout.fragmented
    assert imported.video_codec in {"h264", "vp9", "av1"}
    assert imported.audio_codec in {"", "aac", "mp3", "opus", "flac"}
    decoded = decode_all(imported.path)
    assert decoded.pixel_format == "yuv420p"
    shown = decoded.size if decoded.rotation % 180 == 0 else decoded.size[::-1]
    assert shown == (imported.width, imported.height)
    assert abs(decoded.seconds - imported.duration) < 0.2
    assert imported.poster is not None
    assert imported.bit_rate > 0


@pytest.mark.parametrize("name", ["front.mp4", "silent.mp4", "mp3.mp4"])
def test_what_plays_already_is_shared_in_place(clip: Clips, tmp_path: Path, name: str) -> None:
    imported, reports = bring_in(clip(name), tmp_path / "out")
    assert imported.in_place and imported.path == clip(name)
    assert not (tmp_path / "out").exists()
    assert [r.stage for r in reports if r.fraction == 1] == ["probe", "poster"]
    check_playable(imported)


COPIED = {
    "end.mp4": ("h264", "aac"),
    "fragmented.mp4": ("h264", "aac"),
    "reordered.mp4": ("h264", "aac"),
    "reordered.mkv": ("h264", "aac"),
    "reordered.ts": ("h264", "aac"),
    "vp9.mkv": ("vp9", "opus"),
    "vp9.webm": ("vp9", "opus"),
    "av1.mkv": ("av1", "flac"),
    "turned.mp4": ("h264", "aac"),
    "Ein schöner Film, 映画 (1).mkv": ("h264", "aac"),
}


@pytest.mark.parametrize("name", COPIED)
def test_playable_streams_are_copied(clip: Clips, tmp_path: Path, name: str) -> None:
    source = clip(name)
    imported, reports = bring_in(source, tmp_path)
    assert (imported.video_codec, imported.audio_codec) == COPIED[name]
    assert {r.stage for r in reports} == {"probe", "copy", "poster"}
    assert not imported.in_place
    assert imported.path == tmp_path / f"{source.stem}.mp4"
    assert listing(tmp_path) == [f"{source.stem}.mp4"]
    assert decode_all(imported.path).frames == decode_all(source).frames
    assert packets(imported.path, "video") == packets(source, "video")
    check_playable(imported)


def packets(path: Path, kind: str) -> int:
    # How many bytes of media there are; a copy changes none but the framing of H.264 from TS.
    with av.open(str(path)) as container:
        stream = container.streams.best(kind)  # type: ignore[arg-type]
        return sum(1 for packet in container.demux(stream) if packet.size)


TRANSCODED = {
    "hevc.mkv": ("h264", "opus"),
    "mpeg4.avi": ("h264", "mp3"),
    "reordered.avi": ("h264", "mp3"),
    "mpeg2.mpg": ("h264", "aac"),
    "pcm.mov": ("h264", "aac"),
    "sorenson.flv": ("h264", "mp3"),
    "windows.wmv": ("h264", "aac"),
    "animation.gif": ("h264", ""),
    "old.ogv": ("h264", "opus"),
    "surround.mkv": ("h264", "aac"),
    "mono.mkv": ("h264", "aac"),
    "ten-bit.mkv": ("h264", "aac"),
    "chroma444.mp4": ("h264", "aac"),
    "odd.mkv": ("h264", "flac"),
    "turned.mkv": ("h264", "aac"),
}


@pytest.mark.parametrize("name", TRANSCODED)
def test_other_streams_are_transcoded(clip: Clips, tmp_path: Path, name: str) -> None:
    source = clip(name)
    imported, reports = bring_in(source, tmp_path)
    assert (imported.video_codec, imported.audio_codec) == TRANSCODED[name]
    assert {r.stage for r in reports} == {"probe", "transcode", "poster"}
    assert listing(tmp_path) == [f"{source.stem}.mp4"]
    decoded = decode_all(imported.path)
    assert abs(decoded.frames - SECONDS * 25) <= 1
    assert abs(decoded.seconds - SECONDS) < 0.1
    assert decoded.keyframe_gap < 2.1
    assert imported.width % 2 == 0 and imported.height % 2 == 0
    if imported.audio_codec:
        assert abs(decoded.sound_seconds - SECONDS) < 0.2
        assert decoded.channels == (1 if name == "mono.mkv" else 2)
    check_playable(imported)


def test_a_turned_video_stays_upright(clip: Clips, tmp_path: Path) -> None:
    copied, _ = bring_in(clip("turned.mp4"), tmp_path)
    assert decode_all(copied.path).rotation == 90  # the players turn it
    transcoded, _ = bring_in(clip("turned.mkv"), tmp_path)
    assert decode_all(transcoded.path).rotation == 0  # it is turned
    assert (copied.width, copied.height) == (transcoded.width, transcoded.height) == (360, 640)


def test_progress_grows_and_is_not_reported_too_often(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "x.mkv", seconds=8, size=(1280, 720), video="mpeg4")
    _, reports = bring_in(source, tmp_path / "out")
    work = [r.fraction for r in reports if r.stage == "transcode"]
    assert work == sorted(work) and work[0] == 0 and work[-1] == 1
    assert 2 < len(work) < 600
    assert all(0 <= r.fraction <= 1 for r in reports)


def test_the_title_comes_from_the_file_or_from_its_name(clip: Clips, tmp_path: Path) -> None:
    assert bring_in(clip("front.mp4"), tmp_path)[0].title == "Front & centre"
    name = "Ein schöner Film, 映画 (1)"
    assert bring_in(clip(f"{name}.mkv"), tmp_path)[0].title == name


def test_two_files_of_one_name_and_the_same_file_twice(clip: Clips, tmp_path: Path) -> None:
    first, _ = bring_in(clip("reordered.mkv"), tmp_path)
    other, _ = bring_in(clip("reordered.avi"), tmp_path)
    again, _ = bring_in(clip("reordered.mkv"), tmp_path)
    assert first.path == again.path != other.path
    assert listing(tmp_path) == ["reordered (2).mp4", "reordered.mp4"]


def test_a_source_in_the_destination_is_left_alone(clip: Clips, tmp_path: Path) -> None:
    source = tmp_path / "end.mp4"
    source.write_bytes(clip("end.mp4").read_bytes())
    imported, _ = bring_in(source, tmp_path)
    assert imported.path == tmp_path / "end (2).mp4"


def test_a_very_long_name_that_is_no_utf8(clip: Clips, tmp_path: Path) -> None:
    name = b"\xff" + "映".encode() * 82 + b".mkv"
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    source.write_bytes(clip("reordered.mkv").read_bytes())
    imported, _ = bring_in(source, tmp_path / "out")
    assert is_plain_file_name(imported.path.name)
    imported.title.encode()
    check_playable(imported)


def test_a_transport_stream_that_was_cut_together(clip: Clips, tmp_path: Path) -> None:
    source = tmp_path / "joined.ts"
    source.write_bytes(clip("end.ts").read_bytes() * 2)
    imported, _ = bring_in(source, tmp_path / "out")
    assert abs(imported.duration - 40) < 1
    assert decode_all(imported.path).frames == 1000


def test_sound_that_begins_late_in_a_transport_stream(clip: Clips, tmp_path: Path) -> None:
    silent = make_clip(tmp_path / "silent.ts", seconds=20, audio=None)
    source = tmp_path / "late.ts"
    source.write_bytes(silent.read_bytes() + clip("end.ts").read_bytes())
    imported, _ = bring_in(source, tmp_path / "out")
    assert decode_all(imported.path).frames == 1000


def test_interlaced_pictures_become_progressive(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("PyAV cannot write interlaced pictures; needs the program ffmpeg")
    source = tmp_path / "camcorder.ts"
    command = "ffmpeg -v error -f lavfi -i testsrc2=s=720x576:r=50:d=2 -vf tinterlace=4"
    command += " -c:v mpeg2video -flags +ildct+ilme"
    subprocess.run([*command.split(), str(source)], check=True)
    assert probe(source).interlaced
    imported, _ = bring_in(source, tmp_path / "out")
    assert not probe(imported.path).interlaced
    assert abs(decode_all(imported.path).frames - 50) <= 1


def test_black_pictures_still_make_a_poster(clip: Clips, tmp_path: Path) -> None:
    assert bring_in(clip("black.mkv"), tmp_path)[0].poster


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "bikes.mp4"])
def test_camera_clips(tmp_path: Path, name: str) -> None:
    imported, _ = bring_in(camera_clip(name), tmp_path)
    check_playable(imported)
    assert imported.duration > 5


def test_large_file(tmp_path: Path) -> None:
    source = make_large_mp4(tmp_path / "large.mp4", 100_000_000)
    assert not layout_of(source).faststart
    imported, _ = bring_in(source, tmp_path / "out")
    assert layout_of(imported.path).faststart
    assert abs(imported.path.stat().st_size - 100_000_000) < 10_000_000


def test_a_front_index_can_be_asked_of_the_generator(tmp_path: Path) -> None:
    source = make_large_mp4(tmp_path / "large.mp4", 10_000_000, faststart=True)
    assert bring_in(source, tmp_path / "out")[0].in_place


def test_non_square_pixels_become_square(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "dv.mkv", seconds=1, video="mpeg4", size=(720, 576), aspect=(16, 11)
    )
    imported, _ = bring_in(source, tmp_path / "out")
    assert (imported.width, imported.height) == (1046, 576)
