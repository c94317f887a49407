"""Random numbers that depend on what they are for, and on nothing else."""

import hashlib
from random import Random


def hash_64(*parts: object) -> int:
    """64 bits that look random: equal parts give equal bits on every machine."""
    return hash_bytes("\x1f".join(map(str, parts)).encode())


def hash_bytes(data: bytes) -> int:
    """64 bits that tell one text from another."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def random_for(*parts: object) -> Random:
    """A source of random numbers of its own for each combination of parts."""
    return Random(hash_64(*parts))
