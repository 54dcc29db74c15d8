from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput
from p2ptube.models import PeerAddress

PORTS = st.integers(0, 65535)
HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True),
    st.ip_addresses().map(str),
)


@given(HOSTS, PORTS)
def test_an_address_comes_back(host: str, port: int) -> None:
    address = PeerAddress(host, port)
    assert PeerAddress.parse(str(address)) == address


@given(st.ip_addresses(v=6), PORTS)
def test_ipv6_has_brackets(host: ipaddress.IPv6Address, port: int) -> None:
    assert str(PeerAddress(str(host), port)) == f"[{host}]:{port}"
    with pytest.raises(InvalidInput, match="brackets"):
        PeerAddress.parse(f"{host}:{port}")


@given(st.one_of(st.text(), st.text("[]:.0123456789ab%-_ \n"), st.binary().map(repr)))
def test_garbage(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        address = PeerAddress.parse(text)
        assert 0 <= address.port <= 65535
        assert 0 < len(address.host) <= 255
        assert PeerAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org:5678", PeerAddress("example.org", 5678)),
        (" 10.0.0.1:1\n", PeerAddress("10.0.0.1", 1)),
        ("[::1]:5678", PeerAddress("::1", 5678)),
        ("a:0", PeerAddress("a", 0)),
    ],
)
def test_what_people_write(text: str, expected: PeerAddress) -> None:
    assert PeerAddress.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "host", "host:", ":5678", "host:65536", "host:-1", "host:1.5", "host:٣"),
        *("::1:5678", "[]:5", "[::1]", "a b:5", "a/b:5", "user@a:5", "a%b:5", "a\0:5"),
        "h" * 256 + ":5",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        PeerAddress.parse(text)
