from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput, ProtocolViolation
from p2ptube.models import ClassicFile, PeerAddress
from p2ptube.overlay import messages as m

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
ports = st.integers(1, 65535)
hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{1,10}){0,2}", fullmatch=True),
)
addresses = st.builds(PeerAddress, hosts, ports)

DECODERS: list[Callable[[bytes], Any]] = [
    m.decode_entry,
    m.decode_query,
    m.decode_response,
    m.decode_hello,
    m.decode_find,
    m.decode_found,
    m.decode_metadata_request,
    m.decode_blob_request,
    m.decode_announce,
    m.decode_announced,
    m.text_of,
    lambda data: m.decode_list([data, data]),
]


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_garbage_raises_nothing_but_protocol_violation(
    decode: Callable[[bytes], Any], data: bytes
) -> None:
    with contextlib.suppress(ProtocolViolation):
        decode(data)


@pytest.mark.parametrize("decode", DECODERS[3:8])
@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{}", b"{", b"[" * 50_000, b'{"id":"a","text":"\\ud800"}', b"\xff"],
)
def test_json_that_is_not_the_message(decode: Callable[[bytes], Any], data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode(data)


@given(names)
def test_a_name_survives_quoting_as_one_token(name: str) -> None:
    token = m.quote(name)
    assert m.unquote(token) == name
    assert token.split() == [token]
    assert ":" not in token
    assert "/" not in token
    assert all(ord(c) >= 32 for c in token)


@pytest.mark.parametrize("token", ["100%", "%zz", "a%2", "%", "%ff", "%C3x", "50%25%", "%C3%28"])
def test_a_malformed_escape_is_taken_literally(token: str) -> None:
    assert m.unquote(token) == token


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("Big Buck.mp4", "Big%20Buck.mp4"),
        ("a/b:c%d", "a%2Fb%3Ac%25d"),
        ("tab\tnew\nline", "tab%09new%0Aline"),
        ("Blüte.mp4", "Blüte.mp4"),
        ("no\u00a0break\u2003em", "no%C2%A0break%E2%80%83em"),
        ("plain-name_1.mp4", "plain-name_1.mp4"),
    ],
)
def test_quoting(name: str, token: str) -> None:
    assert m.quote(name) == token


@pytest.mark.parametrize("name", ["", "lone \ud800 surrogate"])
def test_names_that_cannot_be_sent(name: str) -> None:
    with pytest.raises(InvalidInput):
        m.quote(name)


@given(addresses)
def test_entry_round_trip(address: PeerAddress) -> None:
    entry = m.PeerEntry(str(address), address)
    assert m.decode_entry(m.encode_entry(entry)) == entry


@given(st.lists(addresses, max_size=10))
def test_list_round_trip(listed: list[PeerAddress]) -> None:
    entries = [m.PeerEntry(str(a), a) for a in listed]
    assert m.decode_list(m.encode_list(entries)) == entries


def test_list_leaves_out_lines_that_name_no_peer() -> None:
    lines = [b"3", b"a:1 a 1", b"nonsense", b"b:2 b 2", b"c:0 c 0", b"\xff"]
    assert [e.peer_id for e in m.decode_list(lines)] == ["a:1", "b:2"]


def test_list_is_bounded() -> None:
    lines = [b"5000", *(b"a:1 a 1" for _ in range(5000))]
    assert len(m.decode_list(lines)) == m.MAX_LISTED


@pytest.mark.parametrize(
    "payload",
    [b"", b"a:1", b"a:1 a", b"a:1 a 1 1", b"a a 1", b"a:1 a x", b"a:1 a 0", b"a:1 a 65536",
     b"a:1 a\xff 1", b"a:1 a/b 1", b"a:1 a -1"],
)  # fmt: skip
def test_malformed_entries(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        m.decode_entry(payload)


@given(addresses, names, st.integers(0, 100))
def test_query_round_trip(address: PeerAddress, key: str, ttl: int) -> None:
    query = m.decode_query(m.encode_query(str(address), key, ttl))
    assert (query.return_peer, query.key, query.ttl) == (address, key, ttl)
    assert query.token == m.quote(key)


@pytest.mark.parametrize(
    "payload", [b"", b"a:1 key", b"a:1 two words 3", b"a:1 key many", b"a key 3", b"a:1 key 3.5"]
)
def test_malformed_queries(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        m.decode_query(payload)


def test_a_negative_ttl_counts_as_none() -> None:
    assert m.decode_query(b"a:1 key -4").ttl == 0


@given(addresses, names.filter(lambda n: n.strip()))
def test_response_round_trip(address: PeerAddress, name: str) -> None:
    file = ClassicFile(file_name=name, holder=address)
    assert m.decode_response(m.encode_response(file)) == file


def test_a_response_with_a_careless_name_is_understood() -> None:
    assert m.decode_response(b"my own film.mp4 h:9").file_name == "my own film.mp4"


@given(
    st.builds(
        m.Hello,
        peer=st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
        name=st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
        key=st.binary(min_size=32, max_size=32),
        versions=st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=16).map(tuple),
        swarm_port=st.integers(0, 65535),
    )
)
def test_hello_round_trip(hello: m.Hello) -> None:
    assert m.decode_hello(m.encode_json(hello)) == hello


@given(
    st.builds(
        m.Find,
        id=st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True),
        text=st.text(st.characters(exclude_categories=["Cs"]), max_size=500),
        ttl=st.integers(0, 255),
        limit=st.integers(0, 10_000),
        classic=st.sampled_from(["", "a:1"]),
    )
)
def test_find_round_trip(find: m.Find) -> None:
    assert m.decode_find(m.encode_json(find)) == find


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"","text":"x","ttl":1,"limit":1}',
        b'{"id":"a\\n","text":"x","ttl":1,"limit":1}',
        b'{"id":"a","text":"x","ttl":-1,"limit":1}',
        b'{"id":"a","text":"x","ttl":1,"limit":99999999999999999999999999}',
        b'{"id":"a","text":"' + b"x" * 501 + b'","ttl":1,"limit":1}',
    ],
)
def test_find_is_bounded(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        m.decode_find(payload)


def test_unknown_fields_of_later_versions_are_ignored() -> None:
    find = m.decode_find(b'{"id":"a","text":"x","ttl":1,"limit":1,"later":[1,2]}')
    assert find == m.Find(id="a", text="x", ttl=1, limit=1)
