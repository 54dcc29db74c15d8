"""Pure: IP addresses as 4 or 16 bytes, and how far each of them is valid."""

from __future__ import annotations

import ipaddress
from enum import IntEnum

_MAPPED = bytes(10) + b"\xff\xff"  # IPv4 in IPv6 (RFC 4291, section 2.5.5.2)
_LOOPBACK6 = bytes(15) + b"\x01"


class Scope(IntEnum):
    """Who can reach an address: anybody, one private network, or one machine."""

    GLOBAL = 0
    PRIVATE = 1
    MACHINE = 2


def plain(address: bytes) -> bytes:
    """Return the one form of an address: an IPv4 address mapped to IPv6 as IPv4."""
    return address[12:] if address[:12] == _MAPPED else address


def scope_of(address: bytes) -> Scope:
    """Return how far an address is valid (RFC 1918, 3927, 4193, 4291, 6598)."""
    first, second = address[0], address[1]
    if len(address) == 4:
        if first == 127:
            return Scope.MACHINE
        private = (
            first == 10
            or (first == 192 and second == 168)
            or (first == 172 and 16 <= second < 32)
            or (first == 169 and second == 254)
            or (first == 100 and 64 <= second < 128)
        )
        return Scope.PRIVATE if private else Scope.GLOBAL
    if address == _LOOPBACK6:
        return Scope.MACHINE
    private = first & 0xFE == 0xFC or (first == 0xFE and second & 0xC0 == 0x80)
    return Scope.PRIVATE if private else Scope.GLOBAL


def household(address: bytes) -> bytes:
    """Return what limits per address count by: for IPv6 the network (/64), whose hosts are free."""
    return address[:8] if len(address) == 16 else address


def pack(text: str) -> bytes | None:
    """Return an address given as text, without its zone; None if it is none (such as a name)."""
    try:
        return plain(ipaddress.ip_address(text.partition("%")[0]).packed)
    except ValueError:
        return None


def unpack(address: bytes) -> str:
    """Return an address as text."""
    return str(ipaddress.ip_address(address))


def is_public_host(address: bytes) -> bool:
    """Whether a host on the internet can have the address."""
    ip = ipaddress.ip_address(address)
    return ip.is_global and not ip.is_multicast
