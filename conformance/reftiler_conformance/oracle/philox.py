"""Philox4x64 with ten rounds, written out.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011. Numpy's
generator adds one to the counter before each block, so block 0 has counter 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

MASK = 2**64 - 1
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)

Block = tuple[int, int, int, int]


def block(counter: Block, key: tuple[int, int]) -> Block:
    """Return the four words that belong to a counter and a key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(MULTIPLIERS[0] * c0, 2**64)
        high1, low1 = divmod(MULTIPLIERS[1] * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def words(seed: int) -> Iterator[int]:
    """Return the endless stream of raw words of numpy's ``Philox(key=seed)``."""
    key = (seed & MASK, seed >> 64)
    for number in count(1):  # no one draws 2**64 blocks
        yield from block((number, 0, 0, 0), key)
