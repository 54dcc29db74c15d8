from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.media.captions import MAX_FILE_BYTES, MAX_LANGUAGES, convert_files
from p2ptube.media.webvtt import decode
from p2ptube.node.subtitle_choice import language_of, languages_of, subtitles_of
from p2ptube.swarm.files import TorrentFile

FILM = TorrentFile(0, "Film/Bring It On.mkv", 10_000)


def beside(video: TorrentFile, *paths: str, size: int = 100) -> dict[str, str]:
    files = [video, *(TorrentFile(n, path, size) for n, path in enumerate(paths, start=1))]
    return {language: file.path for language, file in subtitles_of(files, video).items()}


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("Bring It On.en.srt", "en"),
        ("Bring It On.ENG.forced.srt", "en"),
        ("Bring It On.pt-BR.vtt", "pt-br"),
        ("Bring It On_German.ass", "de"),
        ("bring it on - Français [SDH].srt", "fr"),
        ("Bring It On.srt", "und"),
        ("Bring It On.xx.srt", "und"),
        ("Subs/English.srt", "en"),
        ("Subs/2_eng.srt", "en"),
        ("Subs/2_English.srt", "en"),
        ("it.srt", "it"),
        ("Deliver it on time.srt", "und"),
        ("Brazilian.srt", "pt-br"),
        ("日本語.srt", "und"),
    ],
)
def test_the_language_that_a_name_tells(name: str, language: str) -> None:
    file = TorrentFile(1, f"Film/{name}", 1)
    assert language_of(file, FILM) == language
    assert languages_of([FILM, file]) == {1: language}


def test_all_subtitles_belong_to_the_only_video() -> None:
    found = beside(FILM, "Film/Subs/English.srt", "Film/other.de.srt", "Film/readme.txt")
    assert found == {"en": "Film/Subs/English.srt", "de": "Film/other.de.srt"}


def test_of_several_videos_each_has_its_own() -> None:
    first, second = TorrentFile(0, "S/S.E1.mkv", 9), TorrentFile(1, "S/S.E10.mkv", 9)
    paths = ["S/S.E1.en.srt", "S/S.E10.en.srt", "S/Subs/S.E10/2_German.srt", "S/all.fr.srt"]
    files = [first, second, *(TorrentFile(n, path, 1) for n, path in enumerate(paths, start=2))]
    names = [
        {language: file.path for language, file in subtitles_of(files, video).items()}
        for video in (first, second)
    ]
    assert names == [
        {"en": "S/S.E1.en.srt"},
        {"de": "S/Subs/S.E10/2_German.srt", "en": "S/S.E10.en.srt"},
    ]


def test_the_usual_ones_of_a_language_go_first() -> None:
    paths = ["Film/a.en.forced.srt", "Film/a.en.sdh.srt", "Film/a.en.srt"]
    assert beside(FILM, *paths)["en"] == "Film/a.en.srt"
    assert beside(FILM, *paths[:2])["en"] == "Film/a.en.sdh.srt"
    assert beside(FILM, paths[0])["en"] == "Film/a.en.forced.srt"


def test_what_is_empty_or_too_large_is_left_out() -> None:
    assert beside(FILM, "Film/a.en.srt", size=0) == {}
    assert beside(FILM, "Film/a.en.srt", size=MAX_FILE_BYTES + 1) == {}


def test_so_many_languages_at_most() -> None:
    codes = "af ar be bg bn ca cs da de el en es et fa fi fr he hi hr hu id is it ja ko lt lv nl no"
    paths = [f"Film/{code}.srt" for code in (*codes.split(), "pl", "pt", "ro", "ru", "sv", "tr")]
    assert len(beside(FILM, *paths)) == MAX_LANGUAGES


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 2**40)), max_size=20), st.text())
def test_any_names(files: list[tuple[str, int]], film: str) -> None:
    listed = [TorrentFile(n, path, size) for n, (path, size) in enumerate(files)]
    video = TorrentFile(len(listed), film, 1)
    chosen = subtitles_of([*listed, video], video)
    assert len(set(chosen.values())) == len(chosen)
    assert set(languages_of(listed)) <= set(range(len(listed)))


def test_files_of_every_kind_become_webvtt() -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,000\n<b>Grüße</b>\n"
    files = [
        (".srt", srt.encode("cp1252")),
        (".SRT", srt.encode("utf-16")),
        (".vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"),
        (".srt", b"\0\xff" * 1000),
        (".exe", b"MZ"),
        (".srt", b"x" * (MAX_FILE_BYTES + 1)),
        (".ass", b""),
    ]
    told: list[float] = []
    converted = convert_files(files, told.append)
    texts = [[cue.text for cue in decode(each)] if each else None for each in converted]
    assert texts == [["Grüße"], ["Grüße"], ["Hello"], None, None, None, None]
    assert told[-1] == 1.0
