"""Pieces read from the disk: each once for all who want it, and the last ones are kept at hand."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Set

from ..errors import P2PTubeError, StorageError

# Enough for a few readers side by side, whatever the piece length.
CACHE_BYTES = 16 * 1024 * 1024


class PieceReads:
    """The reads of one torrent. `ask` has a piece read; what comes of it is told to `came`."""

    def __init__(self, ask: Callable[[int], None]) -> None:
        self._ask = ask
        self._awaited: dict[int, asyncio.Future[bytes]] = {}
        self._at_hand: OrderedDict[int, bytes] = OrderedDict()

    @property
    def awaited(self) -> Set[int]:
        """The pieces that are being read."""
        return self._awaited.keys()

    @property
    def bytes_at_hand(self) -> int:
        """How much memory is taken by what was read before."""
        return sum(map(len, self._at_hand.values()))

    async def read(self, index: int) -> bytes:
        """The bytes of a piece that is here. Raises StorageError, and what ended the torrent."""
        if index in self._at_hand:
            self._at_hand.move_to_end(index)
            return self._at_hand[index]
        future = self._awaited.get(index)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            # Nobody may be left to look at a failure: the client went away.
            future.add_done_callback(lambda f: f.cancelled() or f.exception())
            self._awaited[index] = future
            self._ask(index)
        return await asyncio.shield(future)

    def ask_again(self) -> None:
        """Ask once more for all that is awaited: the answers may be lost."""
        for index in self._awaited:
            self._ask(index)

    def came(self, index: int, data: bytes, problem: str, *, keep: bool) -> None:
        """The answer; `problem` says why there is no data. `keep`: it may be wanted again soon."""
        future = self._awaited.pop(index, None)
        if keep and not problem:
            self._at_hand[index] = data
            while len(self._at_hand) > 1 and self.bytes_at_hand > CACHE_BYTES:
                self._at_hand.popitem(last=False)
        if future is None or future.done():
            return
        if problem:
            future.set_exception(StorageError(f"cannot read from the disk: {problem}"))
        else:
            future.set_result(data)

    def forget(self) -> None:
        """Keep nothing at hand any more."""
        self._at_hand.clear()

    def close(self, reason: P2PTubeError) -> None:
        """Nothing more is read: whoever waits gets `reason`."""
        self.forget()
        for future in self._awaited.values():
            if not future.done():
                future.set_exception(reason)
        self._awaited.clear()
