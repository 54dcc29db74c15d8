"""Pure: what the user says of the network: a proxy, a STUN server, addresses to stay away from."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import quote, unquote, urlsplit

from .errors import InvalidInput

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE | re.ASCII)
_MAPPED_BITS = 96  # of ::ffff:0:0, before the IPv4 address
_MOST_SECRET = 255  # bytes of a name or a password (RFC 1929)


class ProxyKind(StrEnum):
    """How a proxy is spoken to."""

    SOCKS5 = "socks5"  # RFC 1928; names are resolved by the proxy
    HTTP = "http"  # CONNECT, RFC 9110


@dataclass(frozen=True)
class Proxy:
    """A proxy that everything of the swarm goes through."""

    kind: ProxyKind
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Parse `socks5://[user:password@]host:port` or `http://...`. Raises InvalidInput.

        What is wrong is said without the password.
        """
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname or ""
        except ValueError:
            parts, port, host = None, None, ""
        if (
            parts is None
            or parts.scheme not in set(ProxyKind)
            or not port
            or not _is_host(host)
            or parts.path not in {"", "/"}
            or any(c in "?#" or c.isspace() or not c.isprintable() for c in url)
        ):
            raise InvalidInput(
                "it should be like socks5://192.0.2.1:1080 or http://name:password@host:8080 "
                "(%40 for an @ in the password)"
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if password and not user:
            raise InvalidInput("a password needs a name before it")
        for secret in (user, password):
            if len(secret.encode()) > _MOST_SECRET or not (secret or "x").isprintable():
                raise InvalidInput(f"names and passwords have at most {_MOST_SECRET} bytes of text")
        return cls(ProxyKind(parts.scheme), host, port, user, password)

    @property
    def url(self) -> str:
        """The URL that `parse` takes, with the password."""
        secret = quote(self.user, safe="")
        if self.password:
            secret += ":" + quote(self.password, safe="")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{secret + '@' if secret else ''}{host}:{self.port}"

    def __str__(self) -> str:
        """Without name and password, for the log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


def parse_stun(text: str) -> str:
    """Return a STUN server as `host:port`; `stun:` may stand before it. Raises InvalidInput."""
    rest = text.removeprefix("stun:")
    try:
        parts = urlsplit(f"//{rest}")
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        port, host = None, ""
    canonical = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    # Nothing but a host and a port, that is: no name before an @, no path.
    if not port or not _is_host(host) or rest.lower() != canonical:
        raise InvalidInput("it should be like stun.example.org:3478")
    return canonical


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return "%" not in host and bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    return len(host) <= 255 and _HOST.fullmatch(host) is not None


def parse_network(text: str) -> str:
    """Return an IP address or a network (`192.0.2.0/24`) in its shortest form.

    Raises InvalidInput.
    """
    try:
        network = _network(text.strip())
    except ValueError as error:
        raise InvalidInput("it should be an address or a network, like 192.0.2.0/24") from error
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if single else network)


def _network(text: str) -> _Network:
    if "%" in text:
        raise ValueError("a zone is no part of an address")
    network = ipaddress.ip_network(text, strict=False)
    mapped = _plain(network.network_address)
    if mapped.version != network.version and network.prefixlen >= _MAPPED_BITS:
        return ipaddress.ip_network(f"{mapped}/{network.prefixlen - _MAPPED_BITS}")
    return network


class Blocked:
    """The addresses to stay away from, IPv4 ones also in their IPv6 forms."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Take addresses and networks as text. Raises InvalidInput."""
        self._networks: tuple[_Network, ...] = tuple(
            _network(parse_network(text)) for text in networks
        )

    def __bool__(self) -> bool:
        return bool(self._networks)

    def covers(self, host: str) -> bool:
        """Whether an address is blocked. A name, which is no address, never is."""
        if not self._networks:
            return False
        try:
            address = _plain(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def ranges(self) -> list[tuple[str, str]]:
        """The first and the last address of each network."""
        pairs = [(str(network[0]), str(network[-1])) for network in self._networks]
        mapped = [
            (f"::ffff:{network[0]}", f"::ffff:{network[-1]}")
            for network in self._networks
            if network.version == 4
        ]
        return pairs + mapped


def _plain(address: _Address) -> _Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
