"""Files of some bytes that unpack to far more, and how much memory it takes to find out."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# More than is taken as harmless.
NUM_BYTES = 80 << 20


@contextmanager
def peak_of_memory() -> Iterator[Callable[[], int]]:
    """Measure Python's memory for the block; yields what tells the most bytes it held."""
    tracemalloc.start()
    peaks: list[int] = []
    try:
        yield lambda: peaks[0]
    finally:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
