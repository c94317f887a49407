"""Random numbers in arrays, of their own for each purpose."""

import numpy as np

from components.preprocess.rows.hashing import hash_64


class RandomBits:
    """Arrays of random numbers, of their own for each combination of parts.

    Only the raw bits come from NumPy, which keeps those the same in all releases, but not what
    its own methods make of them (NEP 19).
    """

    def __init__(self, *parts: object) -> None:
        self._generator = np.random.PCG64(hash_64(*parts))

    def draw(self, count: int) -> np.ndarray:
        """Draw uint64 [count], all 64 bits random."""
        bits: np.ndarray = self._generator.random_raw(count)
        return bits

    def draw_below(self, counts: np.ndarray) -> np.ndarray:
        """Draw an int64 below each of counts, which are less than 2**32.

        Where a count is 0 the number is, too.
        """
        high = self.draw(len(counts)) >> np.uint64(32)
        return (high * counts.astype(np.uint64) >> np.uint64(32)).astype(np.int64)

    def draw_chances(self, count: int, rate: float) -> np.ndarray:
        """Draw bool [count], each true at a rate of 0 to 1."""
        return (self.draw(count) >> np.uint64(11)) * 2.0**-53 < rate

    def draw_heads(self, counts: np.ndarray) -> np.ndarray:
        """Toss each of counts coins, and return how many of them fall heads: int64."""
        heads = np.zeros(len(counts), dtype=np.int64)
        left = np.flatnonzero(counts > 0)
        rest = counts[left].astype(np.uint64)
        while len(left):
            # One bit for each coin, 64 coins at a time.
            tossed = np.minimum(rest, np.uint64(64))
            bits = self.draw(len(left)) >> (np.uint64(64) - tossed)
            heads[left] += np.bitwise_count(bits)
            rest = rest - tossed
            left, rest = left[rest > 0], rest[rest > 0]
        return heads
