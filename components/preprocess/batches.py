"""What travels from readers to workers: some documents as they stand in a file."""

from collections.abc import Sequence
from typing import NamedTuple

from components.preprocess.text_files.records import Record, TextSource
from components.preprocess.wikitext.sites import Site

BATCH_BYTES = 1_000_000

CORPORA = ("dump", "text")
"""The corpora that a dataset may be made of, by name."""
DUMP, TEXT = range(len(CORPORA))


class PageBatch(NamedTuple):
    """Some pages of a dump: handing on one by one would cost more."""

    source: Site
    items: Sequence[bytes]

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
