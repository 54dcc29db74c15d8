"""Pure: the members of one swarm, in as little memory as Python allows.

A member is one integer: its pool's number, its place there, and the step in which it was heard
of. Steps are counts of some seconds, which `swarms` decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from .addresses import Scope

_PLACE_BITS, _POOL_BITS = 24, 5  # at most 2 * 3 * 3 pools
_STEP_SHIFT = _PLACE_BITS + _POOL_BITS
_IN_POOL_MASK = (1 << _STEP_SHIFT) - 1
_PLACE_MASK, _POOL_MASK = (1 << _PLACE_BITS) - 1, (1 << _POOL_BITS) - 1


class Family(IntEnum):
    """How a peer is met."""

    IPV4 = 0
    IPV6 = 1
    WEBRTC = 2


class Kind(NamedTuple):
    """What decides who is told of a peer."""

    seed: bool
    family: Family
    scope: Scope


class Pool:
    """Members of one kind: keys, and a value for each: its peer id, or its channel (WebRTC)."""

    __slots__ = ("keys", "kind", "values")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.keys: list[bytes] = []
        self.values: list[Any] = []


class Members:
    """The peers of a swarm by their keys, and how many of them completed their fetch."""

    __slots__ = ("_members", "downloaded", "due", "pools")

    def __init__(self, due: int = 0) -> None:
        """`due` is the step that it is looked at in, for members that fell silent."""
        self._members: dict[bytes, int] = {}
        self.pools: list[Pool] = []
        self.downloaded = 0
        self.due = due

    def __len__(self) -> int:
        """How many there are."""
        return len(self._members)

    def __contains__(self, key: bytes) -> bool:
        """Whether there is one of that key."""
        return key in self._members

    def seeds(self) -> int:
        """How many of them are seeds."""
        return sum([len(pool.keys) for pool in self.pools if pool.kind.seed])

    def kind(self, key: bytes) -> Kind:
        """The kind of a member."""
        return self.pools[_pool_of(self._members[key])].kind

    def values(self, keys: Iterable[bytes]) -> list[Any]:
        """The values of members."""
        found = [self._members[key] for key in keys]
        return [self.pools[_pool_of(each)].values[each & _PLACE_MASK] for each in found]

    def add(self, key: bytes, kind: Kind, value: Any, step: int) -> None:
        """Take in a member that was not there."""
        number = self._number(kind)
        pool = self.pools[number]
        self._members[key] = step << _STEP_SHIFT | number << _PLACE_BITS | len(pool.keys)
        pool.keys.append(key)
        pool.values.append(value)

    def renew(self, key: bytes, value: Any, step: int) -> None:
        """Note that a member was heard of, and its value."""
        member = self._members[key]
        self.pools[_pool_of(member)].values[member & _PLACE_MASK] = value
        self._members[key] = member & _IN_POOL_MASK | step << _STEP_SHIFT

    def remove(self, key: bytes) -> tuple[Family, Any]:
        """Take a member out, whose place the last of its pool gets; its family and value."""
        member = self._members.pop(key)
        pool, place = self.pools[_pool_of(member)], member & _PLACE_MASK
        removed = pool.values[place]
        last, value = pool.keys.pop(), pool.values.pop()
        if place < len(pool.keys):
            pool.keys[place], pool.values[place] = last, value
            self._members[last] = self._members[last] & ~_PLACE_MASK | place
        return pool.kind.family, removed

    def silent(self, last: int) -> list[bytes]:
        """The keys of members that were not heard of after the step `last`."""
        bound = (last + 1) << _STEP_SHIFT
        return [key for key, member in self._members.items() if member < bound]

    def oldest(self) -> int:
        """The earliest step in which a member was heard of; there has to be one."""
        return min(self._members.values()) >> _STEP_SHIFT

    def _number(self, kind: Kind) -> int:
        for number, pool in enumerate(self.pools):
            if pool.kind == kind:
                return number
        self.pools.append(Pool(kind))
        return len(self.pools) - 1


def _pool_of(member: int) -> int:
    return member >> _PLACE_BITS & _POOL_MASK
