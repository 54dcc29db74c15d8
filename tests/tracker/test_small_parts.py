"""Addresses, counting in fixed memory, and taking some of many."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.tracker.addresses import Scope, household, pack, plain, scope_of, unpack
from p2ptube.tracker.sampling import sample
from p2ptube.tracker.tally import Tally


@given(st.ip_addresses())
def test_addresses_survive(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    packed = pack(str(ip))
    assert packed == plain(ip.packed)
    assert packed is not None
    assert pack(unpack(packed)) == packed


@pytest.mark.parametrize("text", ["", "example.org", "1.2.3", "999.1.1.1", "::1::", "1.2.3.4:5"])
def test_what_is_no_address(text: str) -> None:
    assert pack(text) is None


def test_forms_of_an_address() -> None:
    assert pack("::ffff:192.0.2.1") == pack("192.0.2.1")
    assert pack("fe80::1%eth0") == pack("fe80::1")


@pytest.mark.parametrize(
    ("scope", "addresses"),
    [
        (Scope.MACHINE, ["127.0.0.1", "127.255.0.9", "::1"]),
        (Scope.PRIVATE, ["10.1.2.3", "192.168.0.1", "172.16.0.1", "172.31.255.255"]),
        (Scope.PRIVATE, ["169.254.1.1", "100.64.0.1", "fe80::1", "fd00::1", "fc12::"]),
        (Scope.GLOBAL, ["8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "11.0.0.1"]),
        (Scope.GLOBAL, ["2001:db8::1", "ff02::1", "2606:4700::1111"]),
    ],
)
def test_scopes(scope: Scope, addresses: list[str]) -> None:
    for text in addresses:
        address = pack(text)
        assert address is not None
        assert scope_of(address) is scope, text


def test_households() -> None:
    one, same, other = (pack(text) for text in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"))
    assert one and same and other
    assert household(one) == household(same) != household(other)
    assert household(b"abcd") == b"abcd"


@given(st.lists(st.binary(max_size=3)))
def test_a_tally_never_counts_too_few(keys: list[bytes]) -> None:
    tally = Tally(4)
    for key in keys:
        tally.add(key)
    for key in set(keys):
        assert tally[key] >= keys.count(key)
    for key in keys:
        tally.remove(key)
    assert all(tally[key] == 0 for key in keys)
    tally.remove(b"never added")


@given(
    st.lists(st.integers(0, 300), max_size=5),
    st.integers(-1, 250),
    st.randoms(use_true_random=False),
    st.integers(0, 4),
)
def test_samples(sizes: list[int], wanted: int, rng: random.Random, whose: int) -> None:
    pools = [[b"%d %d" % (n, k) for k in range(size)] for n, size in enumerate(sizes)]
    own = b"%d 0" % whose
    taken = sample(rng, pools, wanted, own)
    everybody = {key for pool in pools for key in pool}
    assert set(taken) <= everybody - {own}
    assert len(taken) == len(set(taken)) == max(0, min(wanted, len(everybody - {own})))
    assert pools == [[b"%d %d" % (n, k) for k in range(size)] for n, size in enumerate(sizes)]
