"""Pure: how many peers to upload to at the same time.

Where many share a slow line, each block takes long, and our requests wait behind it in its
connection: who has little to give would get little. And what it has is complete nowhere for long.
"""

from __future__ import annotations

# What a slot is worth having for, in bytes/s: a block of 16 KiB in a quarter of a second.
SLOT_RATE = 64_000
FEWEST = 2
USUAL = 9  # each of a crowd of eight, and one to try


def upload_slots(line: float) -> int:
    """How many slots for a line that carries so many bytes/s; 0: it is not known."""
    return min(USUAL, max(FEWEST, int(line / SLOT_RATE))) if line else USUAL


class Slots:
    """Follows what is known of the line. Ask once in a second."""

    def __init__(self) -> None:
        self._before = USUAL

    def look(self, line: float) -> int:
        """How many slots from now on: fewer if twice in a row, since a line is soon underrated."""
        now = upload_slots(line)
        result, self._before = max(now, self._before), now
        return result
