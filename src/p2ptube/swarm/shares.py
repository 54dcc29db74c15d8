"""Pure: which connections are too many of one address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Endpoint: TypeAlias = tuple[str, int]  # address and port


class Shares:
    """The connections by address, oldest first.

    The newest beyond the share of an address is the first to go: a stranger who opens many does
    not push out those that were there before. What we dialled goes last.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._came: dict[str, dict[Endpoint, None]] = {}
        self._dialled: dict[str, dict[Endpoint, None]] = {}
        self._ending: set[Endpoint] = set()

    def __iter__(self) -> Iterator[Endpoint]:
        """All connections, also those that are being ended."""
        yield from (e for t in (self._came, self._dialled) for mine in t.values() for e in mine)
        yield from self._ending

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._ending or any(
            endpoint in table.get(endpoint[0], ()) for table in (self._came, self._dialled)
        )

    def of(self, host: str) -> int:
        """How many connections an address has, without those that are being ended."""
        return len(self._came.get(host, ())) + len(self._dialled.get(host, ()))

    def add(self, endpoint: Endpoint, *, dialled: bool) -> list[Endpoint]:
        """There is a new connection. Return those to be ended now."""
        if endpoint in self:
            return []
        table = self._dialled if dialled else self._came
        table.setdefault(endpoint[0], {})[endpoint] = None
        return self._excess(endpoint[0])

    def change(self, most: int) -> list[Endpoint]:
        """From now on, an address may have so many. Return those to be ended now."""
        self.most = most
        hosts = {*self._came, *self._dialled}
        return [endpoint for host in hosts for endpoint in self._excess(host)]

    def remove(self, endpoint: Endpoint) -> None:
        """A connection is over."""
        self._ending.discard(endpoint)
        for table in (self._came, self._dialled):
            _take(table, endpoint)

    def _excess(self, host: str) -> list[Endpoint]:
        excess: list[Endpoint] = []
        while self.of(host) > self.most:
            table = self._came if host in self._came else self._dialled
            newest = next(reversed(table[host]))
            _take(table, newest)
            self._ending.add(newest)
            excess.append(newest)
        return excess


def _take(table: dict[str, dict[Endpoint, None]], endpoint: Endpoint) -> None:
    mine = table.get(endpoint[0])
    if mine is not None:
        mine.pop(endpoint, None)
        if not mine:
            del table[endpoint[0]]
