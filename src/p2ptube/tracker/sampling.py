"""Pure: some of many, at the cost of some."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


def sample(random: Random, pools: Sequence[list[bytes]], wanted: int, own: bytes) -> list[bytes]:
    """Return at most `wanted` of the keys in `pools`, without the key `own`.

    Every key has the same chance, and pools get a share by their size. Keys are taken at equal
    distances from a random place on: that costs no more than what is taken, and hardly two askers
    of a large swarm get the same set.
    """
    total = sum([len(pool) for pool in pools])
    taken: list[bytes] = []
    if wanted <= 0 or not total:
        return taken
    ask = wanted + 1  # one of them may be `own`
    for pool in pools:
        size = len(pool)
        if total <= ask:
            taken += pool
        elif size:
            taken += _stride(random, pool, min(size, -(-ask * size // total)))
    if own in taken:
        taken.remove(own)
    # The shares were rounded up: whom to leave out is not always of the last pool.
    while len(taken) > wanted:
        at = int(random.random() * len(taken))
        taken[at] = taken[-1]
        del taken[-1]
    return taken


def _stride(random: Random, pool: list[bytes], share: int) -> list[bytes]:
    size = len(pool)
    step = int(random.random() * (size // share)) + 1
    start = int(random.random() * size)
    end = start + share * step
    taken = pool[start:end:step]
    if end > size and len(taken) < share:  # go on at the beginning
        taken += pool[start + len(taken) * step - size : end - size : step]
    return taken
