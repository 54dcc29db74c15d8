"""Who sent which piece, as far as it was watched."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

# Addresses that are told apart for one torrent; what later ones send stays unknown.
MOST_ADDRESSES = 1000


class Origins:
    """Notes the sender of every piece of one torrent, in two bytes per piece."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._senders = array("H")  # by piece; 0 = not known

    def note(self, piece: int, address: str) -> None:
        """A piece comes from `address`."""
        number = self._numbers.get(address)
        if number is None:
            if len(self._numbers) >= MOST_ADDRESSES:
                return
            number = self._numbers[address] = len(self._numbers) + 1
        if piece >= len(self._senders):
            self._senders.extend([0] * (piece + 1 - len(self._senders)))
        self._senders[piece] = number

    def knows(self, piece: int) -> bool:
        """Whether the sender of a piece is known."""
        return piece < len(self._senders) and self._senders[piece] != 0

    def indices(self, pieces: str, addresses: Sequence[str]) -> tuple[int, ...]:
        """For each of `pieces`, as in `Torrent.pieces`, its sender's index in `addresses`.

        -1 where it is not known, or the piece not here.
        """
        by_number = [-1] * (len(self._numbers) + 1)
        for index, address in enumerate(addresses):
            by_number[self._numbers.get(address, 0)] = index
        by_number[0] = -1
        known = zip(pieces, self._senders, strict=False)
        found = tuple(by_number[sender] if piece == "1" else -1 for piece, sender in known)
        return found + (-1,) * (len(pieces) - len(found))
