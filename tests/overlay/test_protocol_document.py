"""The examples and texts of docs/protocol.md are what the code says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from p2ptube.descriptor import open_envelope
from p2ptube.overlay import messages as m
from p2ptube.overlay import search, wire
from p2ptube.overlay.settings import PeerSettings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
BLOCKS = re.findall(r"```frames\n(.*?)```", DOCUMENT, re.DOTALL)
LINE = re.compile(r"(caller|callee)  ([0-9a-f]{8}) ([0-9a-f]{8})(?:  (.*))?")


def frames(block: str) -> list[tuple[str, bytes]]:
    """Who sends it, and its bytes, of each line."""
    parsed = []
    for line in block.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        payload = (match[4] or "").encode()
        parsed.append((match[1], bytes.fromhex(match[2] + match[3]) + payload))
    return parsed


EXAMPLES = [frames(block) for block in BLOCKS]


def decoded(data: bytes) -> wire.Frame:
    decoder = wire.FrameDecoder()
    decoder.feed(data)
    frame = decoder.next_frame()
    assert frame is not None
    assert decoder.buffered == 0
    return frame


def _query(payload: bytes) -> bytes:
    query = m.decode_query(payload)
    return m.encode_query(str(query.return_peer), query.key, query.ttl)


def _found(payload: bytes) -> bytes:
    found = m.decode_found(payload)
    open_envelope(found.descriptor)
    return m.encode_json(found)


REQUESTS: dict[str, Callable[[bytes], bytes]] = {
    "JOIN": lambda p: m.encode_entry(m.decode_entry(p)),
    "QUER": _query,
    "RESP": lambda p: m.encode_response(m.decode_response(p)),
    "FGET": lambda p: m.quote(m.unquote(p.decode())).encode(),
    "QUIT": lambda p: str(m.parse_peer_id(p.decode())).encode(),
    "HELO": lambda p: m.encode_json(m.decode_hello(p)),
    "FIND": lambda p: m.encode_json(m.decode_find(p)),
    "META": lambda p: m.encode_json(m.decode_metadata_request(p)),
    "BLOB": lambda p: m.encode_json(m.decode_blob_request(p)),
    "ANNO": lambda p: m.encode_json(m.decode_announce(p)),
}
ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "NAME": REQUESTS["QUIT"],
    "HELO": REQUESTS["HELO"],
    "FIND": _found,
    "ANNO": lambda p: m.encode_json(m.decode_announced(p)),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_decode_and_encode_to_the_same_bytes(example: list[tuple[str, bytes]]) -> None:
    asked = ""
    for sender, data in example:
        frame = decoded(data)
        if sender == "caller":
            asked = frame.type
            again = REQUESTS.get(frame.type, bytes)(frame.payload)
        else:
            assert frame.type in {"REPL", "ERRO"}
            again = ANSWERS.get(asked, bytes)(frame.payload)
        assert wire.encode(frame.type, again) == data


def test_every_message_has_an_example() -> None:
    shown = {decoded(data).type for example in EXAMPLES for sender, data in example}
    expected = {m.NAME, m.LIST, m.JOIN, m.QUERY, m.RESPONSE, m.GET_FILE, m.QUIT, m.PING}
    expected |= {m.HELLO, m.FIND, m.METADATA, m.BLOB, m.ANNOUNCE, wire.REPLY, wire.ERROR}
    assert shown == expected


def test_the_example_of_list() -> None:
    (example,) = (e for e in EXAMPLES if decoded(e[0][1]).type == "LIST")
    lines = [decoded(data).payload for _, data in example[1:]]
    assert m.encode_list(m.decode_list(lines)) == lines


def test_all_texts_are_in_the_document() -> None:
    said = {decoded(data).payload.decode() for example in EXAMPLES for _, data in example}
    peer = "192.0.2.1:5678"
    texts = {
        m.JOIN_ADDED.format(peer),
        m.JOIN_KNOWN.format(peer),
        m.JOIN_FULL,
        m.JOIN_MALFORMED,
        m.QUERY_ACK.format("big%20buck"),
        m.QUERY_MALFORMED,
        m.QUIT_REMOVED.format(peer),
        m.QUIT_UNKNOWN.format(peer),
        m.FILE_NOT_FOUND,
        m.FILE_UNREADABLE,
        m.HELLO_MALFORMED,
        m.FIND_MALFORMED,
        m.FIND_DUPLICATE,
        m.METADATA_MALFORMED,
        m.METADATA_NOT_FOUND,
        m.BLOB_MALFORMED,
        m.BLOB_NOT_FOUND,
        m.ANNOUNCE_MALFORMED,
        m.ANNOUNCE_UNKNOWN,
    }
    assert texts <= said


def test_the_limits_are_those_of_the_document() -> None:
    settings = PeerSettings()
    for text in (
        f"{wire.MAX_CONTROL:,} bytes",
        f"{wire.MAX_REPLY:,} bytes",
        f"{settings.max_connections} in all",
        f"{settings.max_connections_per_address} per address",
        f"{settings.idle_timeout:g} s after connecting",
        f"| connecting | {settings.connect_timeout:g} s |",
        f"| {settings.probe_timeout:g} s without a byte |",
        f"{settings.max_responses} at most",
        f"{settings.find_hop_timeout:g} s times (`ttl` + 1)",
        f"passed on; counts as {search.MAX_TTL} at most",
        f"wanted; counts as {search.MAX_LIMIT} at most",
        f"within {search.SAME_QUERY:g} s of its first copy",
        f"for {search.SEEN_FOR:g} s ({search.MAX_SEEN:,} of them)",
        f"{search.MAX_HOLDERS} holders of a video",
        f"works on {settings.max_relays} searches",
        f"{m.MAX_LISTED:,} entries",
    ):
        assert text in DOCUMENT, text


def test_the_example_of_a_name() -> None:
    assert m.quote("Big Buck: 1.mp4") == "Big%20Buck%3A%201.mp4"
    assert "`Big Buck: 1.mp4` becomes `Big%20Buck%3A%201.mp4`" in DOCUMENT
