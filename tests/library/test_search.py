from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.library.sample import record, video_id

from p2ptube.library import Library
from p2ptube.models import VideoState
from p2ptube.storage.text import fold, query_words


async def found(library: Library, text: str, limit: int = 100) -> list[str]:
    return [video.title for video in await library.search(text, limit)]


async def test_words_anywhere_in_any_case_and_accent(library: Library) -> None:
    await library.put_video(record(1, title="Ödön's Café", description="İstanbul straße"))
    await library.put_video(record(2, title="Other", file_name="CAFÉ-42.mp4"))
    assert set(await found(library, "cafe")) == {"Ödön's Café", "Other"}
    for text in ("odon", "ÖDÖN", "don's", "afé öd", "ISTANBUL cafe", "STRASSE", "tras", "'s"):
        assert await found(library, text) == ["Ödön's Café"], text
    assert await found(library, "cafe 42") == ["Other"]
    assert await found(library, "fé-4") == ["Other"]
    assert await found(library, "cafe nothing") == []


async def test_short_words(library: Library) -> None:
    await library.put_video(record(1, title="Go 日本", file_name="x.mp4"))
    await library.put_video(record(2, title="Rust", file_name="y.mp4"))
    assert await found(library, "日本") == ["Go 日本"]
    assert await found(library, "g") == ["Go 日本"]
    assert await found(library, "mp go") == ["Go 日本"]
    assert await found(library, "mp4 go") == ["Go 日本"]
    assert await found(library, "%") == []
    assert await found(library, "_") == []


async def test_titles_first_then_newest_and_the_limit(library: Library) -> None:
    await library.put_video(record(1, title="rabbit"))
    await library.put_video(record(2, title="b", description="a long text about a rabbit " * 5))
    await library.put_video(record(3, title="rabbit"))
    videos = await library.search("rabbit", 10)
    assert [v.id for v in videos] == [video_id(n) for n in (3, 1, 2)]
    assert [v.id for v in await library.search("rabbit", 1)] == [video_id(3)]
    assert await library.search("rabbit", 0) == []
    assert await library.search("", -1) == []
    assert [v.id for v in await library.search(" ", 2)] == [video_id(3), video_id(2)]


async def test_an_info_hash_finds_its_video(library: Library) -> None:
    await library.put_video(record(1))
    await library.put_video(record(2, title=f"about {video_id(3)}"))
    assert await found(library, f"  {video_id(1).upper()} ") == ["Title 1"]
    assert await found(library, video_id(3)) == [f"about {video_id(3)}"]
    assert await found(library, video_id(4)) == []


@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', '"""', '"rabbit', 'rabbit"', '"rabbit"', "rabbit*", "*", "rab* OR tortoise"),
        *("NEAR(rabbit tortoise)", "title:rabbit", "-rabbit", "rabbit AND", "NOT", "(", ")", "^r"),
        *("{title} : rabbit", "'; DROP TABLE videos; --", "\0rabbit\0x", "\ud800\ud800\ud800", "?"),
    ],
)
async def test_no_text_is_syntax(library: Library, text: str) -> None:
    await library.put_video(record(1, title="rabbit"))
    await library.put_video(record(2, title=text.encode("utf-8", "replace").decode()))
    videos = [video.id for video in await library.search(text, 10)]
    assert video_id(2) in videos
    if query_words(text) != ["rabbit", "x"]:
        assert video_id(1) not in videos


PIECES = [
    '"',
    "*",
    "OR",
    "near",
    "Ä",
    "a",
    "ab",
    "abc",
    "'",
    " ",
    "\t",
    "-",
    "ß",
    "ﬀ",
    "%",
    "(",
    ")",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


async def test_search_agrees_with_its_definition(library: Library) -> None:
    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(texts=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5), query=TEXTS)
    def collect(texts: list[tuple[str, str, str]], query: str) -> None:
        cases.append((texts, query))

    cases: list[tuple[list[tuple[str, str, str]], str]] = []
    collect()
    for texts, query in cases:
        for video in await library.all_videos():
            await library.delete_video(video.id)
        for number, (title, description, file_name) in enumerate(texts):
            await library.put_video(
                record(number, title=title, description=description, file_name=file_name)
            )
        expected = {
            video_id(number)
            for number, fields in enumerate(texts)
            if all(any(word in fold(field) for field in fields) for word in query_words(query))
        }
        assert {video.id for video in await library.search(query, 100)} == expected, (texts, query)
        names = {fields[2] for fields in texts if query.casefold() in fields[2].casefold()}
        assert set(await library.names_matching(query, 100)) == names, (texts, query)


@given(text=st.text())
def test_any_text_folds_to_something_storable(text: str) -> None:
    folded = fold(text)
    folded.encode()
    assert "\0" not in folded
    assert all(word == word.strip() and word for word in query_words(text))


@given(before=st.text(max_size=5), part=st.text(max_size=5), after=st.text(max_size=5))
def test_a_part_folds_to_a_part(before: str, part: str, after: str) -> None:
    assert fold(part) in fold(before + part + after)


async def test_any_query_is_answered(library: Library) -> None:
    queries: list[str] = []
    await library.put_video(record(1))

    @settings(max_examples=200)
    @given(query=st.text(max_size=20))
    def collect(query: str) -> None:
        queries.append(query)

    collect()
    for query in [*queries, "a" * 100_000, "abc " * 10_000, '"' * 5000]:
        await library.search(query, 10)
        await library.names_matching(query, 10)


async def test_names_matching(library: Library) -> None:
    await library.put_video(record(1, file_name="Big Café.mp4"))
    await library.put_video(record(2, file_name="cafe.mp4"))
    await library.put_video(record(3, file_name="cafe.mp4", state=VideoState.FETCHING))
    await library.put_video(record(4, file_name="café-broken.mp4", state=VideoState.ERROR))
    await library.put_video(record(5, title="café", file_name="z.mp4"))
    assert await library.names_matching("CAFÉ", 10) == ["Big Café.mp4"]
    assert await library.names_matching("cafe", 10) == ["cafe.mp4"]
    assert await library.names_matching("g c", 10) == ["Big Café.mp4"]
    assert await library.names_matching("c", 10) == ["cafe.mp4", "Big Café.mp4"]
    assert await library.names_matching("mp4", 2) == ["z.mp4", "cafe.mp4"]
    assert await library.names_matching("", 10) == ["z.mp4", "cafe.mp4", "Big Café.mp4"]
