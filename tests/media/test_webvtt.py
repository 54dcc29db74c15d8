from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import DamagedMedia
from p2ptube.media.languages import language_tag
from p2ptube.media.webvtt import MAX_BYTES, MAX_CUES, MAX_MS, MAX_TEXT, Cue, cue, decode, encode

TIMES = st.integers(-10, MAX_MS + 10)
CUES = st.builds(cue, TIMES, TIMES, st.text(max_size=60)).filter(bool)


@given(st.lists(CUES, max_size=20))
def test_what_is_written_is_read(cues: list[Cue]) -> None:
    assert decode(encode(cues)) == tuple(sorted(cues))


@given(st.binary(max_size=400) | st.binary(max_size=400).map(b"WEBVTT\n\n".__add__))
def test_garbage_is_read_or_damaged(data: bytes) -> None:
    with contextlib.suppress(DamagedMedia):
        cues = decode(data)
        assert decode(encode(cues)) == cues


@given(st.text(max_size=100))
def test_whatever_is_said_opens_no_tag_and_no_cue(text: str) -> None:
    made = cue(0, 1000, f"<script>{text}</script>\n\n00:01.000 --> 00:02.000\nforged & all")
    assert made is not None
    written = encode([made]).decode()
    assert "<" not in written
    assert written.count("-->") == 1
    assert decode(written.encode()) == (made,)


GENERAL = """\ufeffWEBVTT - a title

STYLE
::cue { background: url(https://example.org/) }

REGION
id:bill

NOTE a comment
that goes on

intro
00:01.000 --> 00:02.500 align:start position:10%
<v Bob>Hello &amp; <i.loud>good</i> morning</v>
<00:00:02.000>and &lt;more&gt;
100:00:00.000 --> 100:00:01.000
late

00:05.000 --> 00:04.000
never

00:00:03,000 --> 00:00:04,000
not a time of WebVTT

00:03.000 --> 00:04.000

"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_of_a_general_file_text_and_times_are_read(line_end: str) -> None:
    assert decode(GENERAL.replace("\n", line_end).encode()) == (
        Cue(1000, 2500, "Hello & good morning\nand <more>"),
        Cue(360_000_000, 360_001_000, "late"),
    )


@pytest.mark.parametrize("data", [b"", b"WEBVTTX", b"1\n00:00:01,000 --> 00:00:02,000\nHi\n"])
def test_what_is_not_webvtt_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedMedia):
        decode(data)


def test_sizes_are_bounded() -> None:
    with pytest.raises(DamagedMedia):
        decode(b"WEBVTT\n" + bytes(MAX_BYTES))
    many = b"WEBVTT\n" + b"\n00:01.000 --> 00:02.000\nx\n" * (MAX_CUES + 10)
    assert len(decode(many)) == MAX_CUES
    made = cue(0, 1000, "W" * 10_000)
    assert made is not None
    assert len(made.text) == MAX_TEXT


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("eng", "en"), ("ger", "de"), ("deu", "de"), ("pt-BR", "pt-br"), ("zh_Hant", "zh-hant"),
        ("gsw", "gsw"), ("und", "und"), ("", "und"), (None, "und"), ("forced", "und"),
        ("<b>", "und"), ("e" * 99, "und"),
    ],
)  # fmt: skip
def test_languages_get_the_tags_that_browsers_know(code: str | None, tag: str) -> None:
    assert language_tag(code) == tag
