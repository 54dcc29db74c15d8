"""Pure: counting by keys in a fixed amount of memory."""

from __future__ import annotations

from array import array

_MOST = 2**16 - 1


class Tally:
    """Counts that keys share by their hash.

    Two keys may share a counter. So a limit may be met early by somebody (with a chance of the
    number of keys to that of counters), but never late; and memory does not grow with the keys.
    The hash of bytes is keyed at random in each process, so nobody can choose whom to share with.
    """

    __slots__ = ("_counters", "_mask")

    def __init__(self, bits: int) -> None:
        self._counters = array("H", bytes(2 << bits))
        self._mask = (1 << bits) - 1

    def __getitem__(self, key: bytes) -> int:
        """The count of `key`, or more."""
        return self._counters[hash(key) & self._mask]

    def add(self, key: bytes) -> None:
        """Count `key`."""
        index = hash(key) & self._mask
        if self._counters[index] < _MOST:
            self._counters[index] += 1

    def remove(self, key: bytes) -> None:
        """Undo one `add` of `key`."""
        index = hash(key) & self._mask
        if self._counters[index]:
            self._counters[index] -= 1
