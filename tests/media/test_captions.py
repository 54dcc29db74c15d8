from __future__ import annotations

from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.subtitles import Subtitles, add_movie_text, add_subtitles, ass, srt

from p2ptube.media.captions import find_captions
from p2ptube.media.convert import Imported, import_media
from p2ptube.media.webvtt import Cue, decode


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return make_clip(path, seconds=6, size=(160, 90), audio=None, faststart=True)


def texts(path: Path) -> dict[str, list[str]]:
    """What the captions of a file say, by language."""
    found = {c.language: decode(c.webvtt) for c in find_captions(path)}
    return {language: [cue.text for cue in cues] for language, cues in found.items()}


def imported(source: Path, directory: Path) -> Imported:
    directory.mkdir()
    return import_media(source, directory, lambda progress: None)


def test_subtitles_of_several_kinds_become_captions(clip: Path, tmp_path: Path) -> None:
    tracks = [
        Subtitles("eng", "srt", srt("signs only")),
        Subtitles("eng", "srt", srt("Hello <i>world</i>\nand all", "{\\an8}5 < 6 & <b>7</b>")),
        Subtitles(
            "fre", "ass", ass("{\\i1}Bonjour{\\i0}\\Nà tous, oui", "{\\p1}m 0 0 l 9 0{\\p0}")
        ),
        Subtitles("xxxx", "webvtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bo>Hallo</v>\n"),
    ]
    source = add_subtitles(clip, tmp_path / "film.mkv", tracks)
    made = imported(source, tmp_path / "made")
    assert {c.language: [cue.text for cue in decode(c.webvtt)] for c in made.captions} == {
        "en": ["Hello world\nand all", "5 < 6 & 7"],
        "fr": ["Bonjour\nà tous, oui"],
        "und": ["Hallo"],
    }
    english = decode(next(c.webvtt for c in made.captions if c.language == "en"))
    assert [(cue.start, cue.end) for cue in english] == [(1000, 2000), (2000, 3000)]
    assert find_captions(made.path) == ()  # they are beside the file that is shared


def test_an_mp4_with_subtitles_is_shared_in_place(clip: Path, tmp_path: Path) -> None:
    source = add_movie_text(clip, tmp_path / "film.mp4", "spa", "Hola", "Adiós")
    made = imported(source, tmp_path / "made")
    assert made.in_place
    (captions,) = made.captions
    assert captions.language == "es"
    assert decode(captions.webvtt) == (Cue(1000, 2000, "Hola"), Cue(2000, 3000, "Adiós"))


def test_files_beside_the_video_are_read(clip: Path, tmp_path: Path) -> None:
    film = add_subtitles(clip, tmp_path / "a [b] film.mkv", [Subtitles("eng", "srt", srt("old"))])
    beside = film.parent
    (beside / "a [b] film.en.SRT").write_bytes(srt("new").encode("utf-8-sig"))
    (beside / "a [b] film.de.srt").write_bytes(srt("schön").encode("cp1252"))
    (beside / "a [b] film.ru.vtt").write_bytes(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nжя\n".encode("utf-16")
    )
    (beside / "a [b] film.srt").write_text(srt("no language"))
    (beside / "a b film.fr.srt").write_text(srt("another film's"))
    (beside / "a [b] film.it.srt").write_bytes(bytes(5_000_000))
    (beside / "a [b] film.pl.srt").write_bytes(b"\xff\xfe\xff")
    (beside / "a [b] film.es.srt").mkdir()
    assert texts(film) == {"en": ["new"], "de": ["schön"], "ru": ["жя"], "und": ["no language"]}


def test_where_there_are_none(clip: Path, tmp_path: Path) -> None:
    assert find_captions(clip) == ()
    (tmp_path / "letter.mp4").write_text("Dear reader")
    assert find_captions(tmp_path / "letter.mp4") == ()
    assert find_captions(tmp_path / "nothing.mp4") == ()


def test_too_many_are_cut_off_and_too_large_ones_left_out(clip: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(clip.read_bytes())
    for language, line, count in (("en", "x", 21_000), ("de", "x" * 1900, 700)):
        cues = (
            f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000 --> 09:00:00.000\n{line} {n}\n"
            for n in range(count)
        )
        (tmp_path / f"film.{language}.vtt").write_text("\n".join(["WEBVTT\n", *cues]))
    assert {language: len(cues) for language, cues in texts(film).items()} == {"en": 20_000}
