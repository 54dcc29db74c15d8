from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput
from p2ptube.network import Blocked, Proxy, ProxyKind, parse_network, parse_stun

# Without the IPv6 forms of IPv4 addresses, which are the same as those.
ADDRESSES = st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None))
HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9_-]{1,20}(\.[a-z0-9_-]{1,20}){0,3}", fullmatch=True), ADDRESSES.map(str)
)
SECRETS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)
PROXIES = st.builds(
    Proxy,
    st.sampled_from(ProxyKind),
    HOSTS,
    st.integers(1, 65535),
    SECRETS,
    st.one_of(st.just(""), SECRETS),
)


# --- proxies ------------------------------------------------------------------------------------


@given(PROXIES)
def test_a_proxy_is_read_as_it_is_written(proxy: Proxy) -> None:
    assert Proxy.parse(proxy.url) == proxy


def test_the_password_is_not_shown() -> None:
    proxy = Proxy.parse("socks5://anna:s%40cret@[::1]:1080/")
    assert (proxy.host, proxy.port, proxy.user, proxy.password) == ("::1", 1080, "anna", "s@cret")
    assert str(proxy) == "socks5://[::1]:1080"
    assert "cret" not in repr(proxy)


@given(st.one_of(st.text(), st.from_regex(r"(socks5|http)://.*")))
def test_what_is_no_proxy_is_refused(text: str) -> None:
    try:
        proxy = Proxy.parse(text)
    except InvalidInput:
        return
    assert Proxy.parse(proxy.url) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "",
        "socks5://host",
        "socks5://host:0",
        "socks5://host:65536",
        "socks5://:1080",
        "socks4://host:1080",
        "https://host:1080",
        "host:1080",
        "socks5://host:1080/path",
        "socks5://host:1080?x",
        "socks5://host:1080#x",
        "socks5://ho st:1080",
        "socks5://host\n:1080",
        "socks5://:secret@host:1080",
        "socks5://a%0ab:secret@host:1080",
        "http://" + "x" * 256 + ":secret@host:1080",
        "socks5://[::1%25lo]:1080",
        "socks5://[::g]:1080",
    ],
)
def test_a_bad_proxy_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Proxy.parse(url)
    assert "secret" not in str(refused.value)


# --- STUN servers -------------------------------------------------------------------------------


@given(HOSTS, st.integers(1, 65535), st.booleans())
def test_a_stun_server_is_a_host_and_a_port(host: str, port: int, scheme: bool) -> None:
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert parse_stun("stun:" * scheme + written) == written


@given(st.text())
def test_what_is_no_stun_server_is_refused(text: str) -> None:
    try:
        parsed = parse_stun(text)
    except InvalidInput:
        return
    assert parse_stun(parsed) == parsed


@pytest.mark.parametrize(
    "text", ["x", "x:", ":1", "::1:3", "http://x:1", "u@x:1", "x:1/", "x:0", "a b:1"]
)
def test_a_bad_stun_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_stun(text)


# --- blocked addresses --------------------------------------------------------------------------


@given(ADDRESSES, st.integers(0, 128))
def test_an_address_is_in_its_network(address: ipaddress.IPv4Address, bits: int) -> None:
    network = parse_network(f"{address}/{min(bits, address.max_prefixlen)}")
    assert parse_network(network) == network
    blocked = Blocked([network])
    assert blocked
    assert blocked.covers(str(address))
    if address.version == 4:
        assert blocked.covers(f"::ffff:{address}")
    for first, last in blocked.ranges():
        assert int(ipaddress.ip_address(first)) <= int(ipaddress.ip_address(last))


@given(ADDRESSES, ADDRESSES)
def test_no_other_is(blocked: ipaddress.IPv4Address, other: ipaddress.IPv4Address) -> None:
    assert Blocked([str(blocked)]).covers(str(other)) == (blocked == other)
    assert not Blocked().covers(str(other))


@given(st.text())
def test_what_is_no_network_is_refused(text: str) -> None:
    try:
        network = parse_network(text)
    except InvalidInput:
        return
    Blocked([network])


def test_other_ways_to_write_an_address_are_covered() -> None:
    blocked = Blocked(["::ffff:192.0.2.0/120", " 2001:db8::1 "])
    assert blocked.covers("192.0.2.7")
    assert blocked.covers("[2001:db8::1]")
    assert blocked.covers("2001:0db8::0001%eth0")
    assert not blocked.covers("192.0.3.7")
    assert not blocked.covers("localhost")
    assert Blocked(["fe80::/10"]).covers("fe80::1%eth0")
    for wrong in ("fe80::1%eth0", "192.0.2.0/33", "host", ""):
        with pytest.raises(InvalidInput):
            parse_network(wrong)
