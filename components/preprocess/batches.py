"""The pages of a part of a dump, some at a time."""

from collections.abc import Iterator

from components.preprocess.articles import PageBatch
from components.preprocess.dump import Part
from components.preprocess.reading import read_pages

BATCH_BYTES = 1_000_000


def read_batches(part: Part) -> Iterator[PageBatch]:
    """The pages of a part of the dump."""
    batch: list[bytes] = []
    num_bytes = 0
    for page in read_pages(part):
        batch.append(page)
        num_bytes += len(page)
        if num_bytes >= BATCH_BYTES:
            yield PageBatch(part.site, batch)
            batch, num_bytes = [], 0
    if batch:
        yield PageBatch(part.site, batch)
