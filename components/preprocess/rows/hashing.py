"""Random numbers that depend on what they are for, and on nothing else."""

import hashlib
from collections.abc import Iterator
from itertools import count
from random import Random


def hash_64(*parts: object) -> int:
    """64 bits that look random: equal parts give equal bits on every machine."""
    return hash_bytes("\x1f".join(map(str, parts)).encode())


def hash_counting(*parts: object) -> Iterator[int]:
    """Yield `hash_64(*parts, number)` for 0, 1, 2 and so on, without end."""
    start = hashlib.blake2b("\x1f".join((*map(str, parts), "")).encode(), digest_size=8)
    for number in count():
        hashing = start.copy()
        hashing.update(b"%d" % number)
        yield int.from_bytes(hashing.digest(), "big")


def hash_bytes(data: bytes) -> int:
    """64 bits that tell one text from another."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def random_for(*parts: object) -> Random:
    """A source of random numbers of its own for each combination of parts."""
    return Random(hash_64(*parts))
