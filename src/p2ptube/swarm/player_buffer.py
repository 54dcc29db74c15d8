"""Pure: what a player has in hand, as far as what it takes and when tells."""

from __future__ import annotations

import math

# A player that stops taking has enough. How much that is, only its maker knows; so much at least.
ENOUGH_SECONDS = 4.0


class PlayerBuffer:
    """Of one player; all times in seconds, `now` of any clock that is the same throughout."""

    def __init__(self) -> None:
        self.empty_at = -math.inf  # when it will have shown all that it was given
        self._in_hand = 0.0

    def give(self, seconds: float, now: float) -> None:
        """It is given what it shows for so long.

        If it had nothing left it stood still until now: what is late does not become less by that.
        """
        self.empty_at = max(self.empty_at, now) + seconds
        self._in_hand = self.empty_at - now

    def ask(self, now: float) -> None:
        """It has taken what it was given, and wants more.

        Who plays asks before he runs out. If it comes later than that, it was paused, with a full
        buffer: of which the most that is sure is what it had when it stopped to take.
        """
        if self.empty_at < now:
            self.empty_at = now + min(self._in_hand, ENOUGH_SECONDS)
