"""What strangers send is never believed, and what they are told has the right form."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import quote

import av
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from p2ptube.errors import InvalidInput
from p2ptube.node.pace import Pace, swarm_share
from p2ptube.node.views import PublicVideo
from p2ptube.web.exchange import number
from p2ptube.web.public_origin import client_address, origin, owner_of, tracker_origin
from p2ptube.web.public_site import PublicSite
from p2ptube.web.public_video import (
    all_trackers,
    embed_code,
    embed_size,
    jpeg_size,
    oembed,
    socket_trackers,
    summary,
    viewer_facts,
)
from p2ptube.web.stream_slots import STALLED_SECONDS, Refusal, Slot, StreamSlots
from p2ptube.web.templating import day_text, duration_text, render, size_text

ID = "a" * 40
SERVER = ("192.0.2.1", 5681)


def a_video(**changes: Any) -> PublicVideo:
    video = PublicVideo(
        id=ID,
        title="A clip",
        description="",
        language="",
        file_name="clip.mp4",
        media_type="video/mp4",
        duration=12.5,
        size=1000,
        width=1920,
        height=1080,
        publisher="Ada",
        published_at=1.7e9,
        trackers=(),
        poster=None,
        listed=True,
        complete=True,
    )
    return msgspec.structs.replace(video, **changes)


# --- where we are, and who asks -----------------------------------------------------------


@pytest.mark.parametrize("host", ["tube.example", "TUBE.example:81", "127.0.0.1:5", "[::1]:80"])
def test_the_host_header_names_us(host: str) -> None:
    assert origin("http", host, SERVER) == f"http://{host.lower()}"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "a/b",
        "a@b",
        'a"b',
        "a:b",
        "a:1:2",
        "<x>",
        "a\r\nb",
        "x" * 300,
        "a..b",
        "é.example",
    ],
)
def test_a_host_header_of_another_form_is_ignored(host: str) -> None:
    assert origin("https", host, SERVER) == "https://192.0.2.1:5681"
    assert origin("http", host, ("::1", 80)) == "http://[::1]:80"
    assert origin("http", host, SERVER, "https://tube.example") == "https://tube.example"


@given(st.text())
def test_no_host_header_gets_anything_else_into_a_page(host: str) -> None:
    assert re.fullmatch(r"http://[\w.:\[\]-]+", origin("http", host, SERVER), re.ASCII)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("192.168.1.2", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the proxy wrote the last
        ("127.0.0.1", "[2001:db8::5]", "2001:db8::5"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),  # no proxy of ours
        ("", "198.51.100.1", ""),
    ],
)
def test_only_a_proxy_near_by_says_who_asks(peer: str, forwarded_for: str, expected: str) -> None:
    assert client_address(peer, forwarded_for, behind_proxy=True) == expected
    assert client_address(peer, forwarded_for, behind_proxy=False) == peer


def test_of_two_headers_the_proxy_wrote_the_last() -> None:
    said = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.9")]
    request = Request({"type": "http", "client": ("127.0.0.1", 1), "headers": said})
    site = PublicSite(lambda: "Ada", "https://tube.example")
    assert site.client_address(request) == "203.0.113.9"


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "11", "٣", "0" * 19 + "1300", "9" * 5000])
def test_numbers_of_a_query(text: str) -> None:
    def given(text: str) -> Request:
        return Request({"type": "http", "query_string": f"page={quote(text)}".encode()})

    assert number(given("10"), "page", 1, 10) == 10
    assert number(given(""), "page", 1, 10) is None
    with pytest.raises(InvalidInput, match="page must be a number from 1 to 10"):
        number(given(text), "page", 1, 10)


@given(st.text(), st.text())
def test_whatever_is_forwarded_gives_an_address(peer: str, forwarded_for: str) -> None:
    client_address(peer, forwarded_for, behind_proxy=True)
    owner_of(peer)


def test_limits_count_by_household() -> None:
    assert owner_of("2001:db8::1") == owner_of("2001:db8::ffff:2")
    assert owner_of("2001:db8::1") != owner_of("2001:db8:0:1::1")
    assert owner_of("::ffff:192.0.2.1") == owner_of("192.0.2.1") != owner_of("192.0.2.2")


# --- trackers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://Tracker.example/announce", "wss://tracker.example"),
        ("ws://[2001:db8::1]:8000/announce", "ws://[2001:db8::1]:8000"),
        ("ws://a.example", None),
        ("http://a.example/announce", None),
        ("ws://a;script-src 'unsafe-inline'/x", None),
        ("wss://a.example\r\nset-cookie: x/announce", None),
        ("wss://u:p@a.example/announce", None),
    ],
)
def test_origins_of_trackers_are_safe_in_a_header(url: str, expected: str | None) -> None:
    assert tracker_origin(url) == expected


def test_a_page_is_told_the_trackers_that_it_can_reach() -> None:
    others = ("udp://t.example:1/announce", "ws://a.example/announce", "wss://b.example/announce")
    video = a_video(trackers=(*others, "http://c.example/announce"))
    plain = socket_trackers(video, "http://x.example:5681")
    assert plain == ["ws://x.example:5681/announce", others[1], others[2]]
    # A page over TLS may not open a socket without it.
    assert socket_trackers(video, "https://x.example") == ["wss://x.example/announce", others[2]]
    # By another name it is the same tracker.
    assert others[1] not in socket_trackers(video, "http://x.example", "http://a.example")
    assert set(others) < set(all_trackers(video, "https://x.example"))
    assert (
        len(all_trackers(a_video(trackers=tuple(f"udp://{n}" for n in range(16))), "http://x"))
        == 16
    )


# --- what is said of a video --------------------------------------------------------------


def test_facts_for_the_viewer_are_complete() -> None:
    facts = viewer_facts(
        a_video(poster="0" * 64), "https://x.example", ice=["stun:s:1"], embed=True
    )
    assert facts["page"] == f"https://x.example/watch/{ID}"
    assert facts["magnet"].startswith(f"magnet:?xt=urn:btih:{ID}&dn=clip.mp4&tr=https%3A%2F%2Fx")
    assert (facts["mime"], facts["ice"], facts["embed"]) == ("video/mp4", ["stun:s:1"], True)
    assert facts["poster"] == f"/poster/{ID}"
    assert viewer_facts(a_video(), "https://x", ice=[], embed=False)["poster"] == ""


@given(st.text())
def test_no_title_ends_the_block_of_facts(title: str) -> None:
    facts = viewer_facts(a_video(title=title), "http://x.example", ice=[], embed=False)
    page = render(
        "embed.html",
        site="s",
        stylesheet="/s.css",
        query="",
        video=a_video(title=title),
        facts=facts,
    )
    block = re.findall(r'<script type="application/json" id="video">(.*?)</script', page, re.S)
    assert len(block) == 1
    assert msgspec.json.decode(block[0].encode())["title"] == title
    assert page.count("<script") == 2


@pytest.mark.parametrize(
    ("size", "largest", "expected"),
    [
        ((1920, 1080), (None, None), (1280, 720)),
        ((640, 360), (None, None), (640, 360)),
        ((640, 360), (320, None), (320, 180)),
        ((640, 360), (None, 90), (160, 90)),
        ((1080, 1920), (500, 500), (281, 500)),
        ((0, 0), (None, None), (640, 360)),
        ((100_000, 1), (1, 1), (1, 1)),
    ],
)
def test_an_embedded_player_keeps_its_shape(
    size: tuple[int, int], largest: tuple[int | None, int | None], expected: tuple[int, int]
) -> None:
    video = a_video(width=size[0], height=size[1])
    assert embed_size(video, *largest) == expected


def test_embed_code_is_inert_whatever_the_title() -> None:
    code = embed_code(a_video(title='"><script>alert(1)</script>'), "https://x.example")
    assert "<script" not in code
    assert code.count('"') % 2 == 0


def test_oembed_has_a_thumbnail_only_with_its_size() -> None:
    answer = oembed(a_video(), "https://x.example", "Ada", (640, 360), (320, 180))
    assert (answer["version"], answer["type"]) == ("1.0", "video")
    assert answer["thumbnail_height"] == 180
    assert "thumbnail_url" not in oembed(a_video(), "https://x", "Ada", (640, 360), None)


def test_summaries_are_one_short_line() -> None:
    assert summary(" a\n b\tc ") == "a b c"
    assert len(summary("x" * 1000)) == 300
    assert summary("") == ""


def encoded(width: int, height: int) -> bytes:
    output = io.BytesIO()
    with av.open(output, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        frame = av.VideoFrame(width, height, "yuvj420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return output.getvalue()


def test_the_size_of_a_jpeg_is_read_from_its_header() -> None:
    assert jpeg_size(encoded(320, 180)) == (320, 180)
    assert jpeg_size(b"") is None
    assert jpeg_size(b"\xff\xd8\xff\xc0") is None


@given(st.binary(max_size=200).map(lambda tail: b"\xff\xd8" + tail))
def test_garbage_is_no_jpeg(data: bytes) -> None:
    size = jpeg_size(data)
    assert size is None or min(size) > 0


def test_texts_for_people() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 1_550_000, 12_300_000_000)] == [
        *("0 bytes", "999 bytes", "1.0 kB", "1.6 MB", "12 GB")
    ]
    assert [duration_text(s) for s in (0, 9.6, 187, 3723)] == ["0:00", "0:10", "3:07", "1:02:03"]
    assert day_text(1.7e9) == "2023-11-14"
    assert day_text(1e30) == ""


# --- limits -------------------------------------------------------------------------------


def enter(
    slots: StreamSlots, owner: bytes, now: float = 0, evicted: list[str] | None = None
) -> Any:
    told = evicted if evicted is not None else []
    return slots.enter(owner, now, lambda: told.append("evicted"), in_all=4, per_address=2)


def test_an_address_and_all_have_so_many_streams() -> None:
    slots = StreamSlots()
    first = enter(slots, b"a")
    assert isinstance(first, Slot)
    enter(slots, b"a")
    assert enter(slots, b"a") is Refusal.ADDRESS
    enter(slots, b"b")
    enter(slots, b"c")
    assert enter(slots, b"d") is Refusal.FULL
    slots.leave(first)
    slots.leave(first)
    assert isinstance(enter(slots, b"d"), Slot)
    assert len(slots) == 4


def test_a_stream_that_stalls_makes_way_for_another() -> None:
    slots, evicted = StreamSlots(), list[str]()
    stalled = enter(slots, b"a", 0, evicted)
    moving = enter(slots, b"a", 0, evicted)
    moving.moved = STALLED_SECONDS
    assert isinstance(enter(slots, b"a", STALLED_SECONDS), Slot)
    assert evicted == ["evicted"]
    slots.leave(stalled)  # as its response does when it ends
    assert len(slots) == 2
    assert enter(slots, b"a", STALLED_SECONDS) is Refusal.ADDRESS


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 2)), min_size=1), st.integers(1, 10**6)
)
def test_no_span_of_time_has_more_than_the_rate(asked: list[tuple[int, float]], rate: int) -> None:
    pace, now, sent = Pace(), 0.0, list[tuple[float, int]]()
    for size, pause in asked:
        now += pause
        sent.append((now + pace.reserve(size, rate, now), size))
    for first, (start, _) in enumerate(sent):
        total = 0
        for moment, size in sent[first:]:
            # Everything but the last booking fits into the time since the first.
            assert total <= (moment - start) * rate + 1e-3 * rate
            total += size


def test_without_a_rate_nobody_waits() -> None:
    assert Pace().reserve(10**9, 0, 5.0) == 0


@given(st.integers(0, 2**31), st.integers(0, 2**32))
def test_the_swarm_keeps_a_part_and_both_keep_to_the_limit(limit: int, http: int) -> None:
    share = swarm_share(limit, http)
    assert (share == 0) == (limit == 0)
    if limit >= 8:
        most_http = limit - swarm_share(limit, limit)
        assert share + min(http, most_http) <= limit
