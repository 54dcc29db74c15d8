from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput
from p2ptube.swarm.files import FileKind, TorrentFile, find_file, largest_video


def listed(*files: tuple[str, int]) -> tuple[TorrentFile, ...]:
    return tuple(TorrentFile(index, path, size) for index, (path, size) in enumerate(files))


SEASON = listed(
    ("Show/readme.txt", 9_000_000),
    ("Show/Show.E01.mkv", 500),
    ("Show/Show.E01.srt", 5),
    ("Show/Show.E02.MKV", 700),
    ("Show/Extras/Trailer.webm", 100),
    ("Show/theme.mp3", 800),
)
trees = st.lists(
    st.tuples(st.text(max_size=30), st.integers(0, 2**50)), min_size=1, max_size=20
).map(lambda files: listed(*files))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/Film.MP4", FileKind.VIDEO),
        ("film.mp4.txt", FileKind.OTHER),
        ("song.flac", FileKind.AUDIO),
        ("a.en.srt", FileKind.SUBTITLES),
        ("mp4", FileKind.OTHER),
        ("", FileKind.OTHER),
    ],
)
def test_what_a_file_is(path: str, kind: FileKind) -> None:
    assert TorrentFile(0, path, 1).kind is kind


def test_the_largest_video_goes_before_sound_and_that_before_the_rest() -> None:
    assert largest_video(SEASON) == 3
    assert largest_video(listed(("a.txt", 900), ("b.mp3", 5), ("c.mp4", 0))) == 1
    assert largest_video(listed(("a.txt", 900), ("b.nfo", 5))) == 0


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("Show/Show.E01.mkv", 1),
        ("show.e02.mkv", 3),
        ("e01", 1),  # the video, not its subtitles
        ("E01.srt", 2),
        ("trailer", 4),
        ("extras", 4),
        ("theme", 5),
        ("readme", 0),
    ],
)
def test_a_file_is_named_by_a_part(wanted: str, index: int) -> None:
    assert find_file(SEASON, wanted).index == index


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("Show.E", "several files: .*E01.*E02"),
        ("E03", "no file 'E03'"),
        ("", "no file"),
        (" ", "no file"),
    ],
)
def test_what_names_none_or_several(wanted: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        find_file(SEASON, wanted)


def test_an_error_names_some_of_many() -> None:
    many = listed(*((f"{n}/{'x' * 500}.mp4", 1) for n in range(10_000)))
    with pytest.raises(InvalidInput, match="and 9992 more") as caught:
        find_file(many, "xxx")
    assert len(str(caught.value)) < 2000


@given(trees, st.text(max_size=10))
def test_any_names(files: tuple[TorrentFile, ...], wanted: str) -> None:
    chosen = files[largest_video(files)]
    assert chosen.playable or not any(file.playable for file in files)
    assert all(file.size <= chosen.size for file in files if file.kind is chosen.kind)
    try:
        found = find_file(files, wanted)
    except InvalidInput:
        return
    assert wanted.strip().casefold() in found.path.casefold()
