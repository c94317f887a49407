"""What travels from readers to workers: some documents as they stand in a file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from components.preprocess.text_files.records import Record, TextSource
from components.preprocess.wikitext.sites import Site

BATCH_BYTES = 1_000_000
Item = TypeVar("Item")

CORPORA = ("dump", "text")
"""The corpora that a dataset may be made of, by name."""
DUMP, TEXT = range(len(CORPORA))


class PageBatch(NamedTuple):
    """Some pages of a dump: handing on one by one would cost more."""

    source: Site
    items: Sequence[bytes | str]
    """Each page, or in its place the note that it is too long."""

    @property
    def corpus(self) -> int:
        """The index of its corpus in `CORPORA`."""
        return DUMP


class RecordBatch(NamedTuple):
    """Some records of a text file."""

    source: TextSource
    items: Sequence[Record]

    @property
    def corpus(self) -> int:
        """The index of its corpus in `CORPORA`."""
        return TEXT


Batch = PageBatch | RecordBatch


def group_items(items: Iterable[Item], count_bytes: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield items in groups, each closed by the item with which it has `BATCH_BYTES`."""
    group: list[Item] = []
    num_bytes = 0
    for item in items:
        group.append(item)
        num_bytes += count_bytes(item)
        if num_bytes >= BATCH_BYTES:
            yield group
            group, num_bytes = [], 0
    if group:
        yield group
