"""What the steps of the graphs do with one element each."""

import io
import json
import os
import pickle
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from components.preprocess.articles import PageBatch, read_article, read_batches
from components.preprocess.buckets import RowSettings, choose_bucket, drop_copies, make_rows
from components.preprocess.documents import Document, make_documents
from components.preprocess.hashing import hash_64, hash_bytes
from components.preprocess.marks import Marks
from components.preprocess.pages import DUPLICATE, EMPTY, KEPT
from components.preprocess.shards import Row, shard_path, write_shard
from components.preprocess.words import count_words
from components.shared.errors import InputError
from components.shared.tokenizer import WordPieceTokenizer

# Steps whose progress is marked: the first two for each batch of pages.
COUNT, CLEAN, PAIR, WRITE = "Count words", "Clean and tokenise", "Pair and pack", "Write shards"

COUNTS = "counts"

# (length, shard)
_ShardKey = tuple[int, int]
# How many documents, by what became of them.
_Count: TypeAlias = TaggedOutput[Literal["counts"], tuple[str, int]]


class MakeDocuments(beam.DoFn):
    """Pages to documents, by bucket; and what became of each page."""

    def __init__(
        self, settings: RowSettings, marks: Marks, *, lowercase: bool, num_buckets: int
    ) -> None:
        self._marks = marks
        self._settings, self._lowercase, self._num_buckets = settings, lowercase, num_buckets
        self._tokenizer: WordPieceTokenizer | None = None

    def setup(self) -> None:
        """Once a worker: the tokenizer can't travel."""
        self._tokenizer = WordPieceTokenizer(self._settings.vocabulary, lowercase=self._lowercase)

    def process(self, batch: PageBatch) -> Iterator[tuple[int, bytes] | _Count]:
        """Make the documents of a batch of pages."""
        assert self._tokenizer is not None
        read = [read_article(page, batch.site, self._settings.splitter) for page in batch.pages]
        reasons = Counter(one for one in read if isinstance(one, str))
        articles = [one for one in read if not isinstance(one, str)]
        bucket_to_documents: dict[int, list[Document]] = defaultdict(list)
        for document in make_documents(articles, self._tokenizer):
            if document is None:
                reasons[EMPTY] += 1
            else:
                bucket = choose_bucket(document, self._num_buckets, self._settings.seed)
                bucket_to_documents[bucket].append(document)
        for bucket, documents in bucket_to_documents.items():
            yield bucket, pack(documents)
        for count in reasons.items():
            yield TaggedOutput(COUNTS, count)
        self._marks.add(CLEAN)


class MakeRows(beam.DoFn):
    """The documents of a bucket to rows, by shard; and how many documents they were."""

    def __init__(self, settings: RowSettings, marks: Marks, num_shards: int) -> None:
        self._marks = marks
        self._settings, self._num_shards = settings, num_shards

    def process(
        self, bucket_documents: tuple[int, Iterable[bytes]]
    ) -> Iterator[tuple[_ShardKey, bytes] | _Count]:
        """Make the rows of a bucket, for each length."""
        bucket, chunks = bucket_documents
        read: list[Document] = [document for chunk in chunks for document in unpack(chunk)]
        documents = drop_copies(read)
        yield TaggedOutput(COUNTS, (KEPT, len(documents)))
        if len(documents) < len(read):
            yield TaggedOutput(COUNTS, (DUPLICATE, len(read) - len(documents)))
        for length in self._settings.lengths:
            shard_to_rows: dict[int, list[Row]] = defaultdict(list)
            for row in make_rows(documents, bucket, length, self._settings):
                shard_to_rows[row.order % self._num_shards].append(row)
            for shard, rows in shard_to_rows.items():
                yield (length, shard), pack(rows)
        self._marks.add(PAIR)


def read_part(part: bytes) -> Iterator[bytes]:
    """The pages of a part, in batches."""
    try:
        for batch in read_batches(unpack(part)[0]):
            yield pack([batch])
    except InputError:
        # A worker process prints what it also passes on; the user is to see it once, alone.
        if "WORKER_ID" in os.environ:
            sys.stderr = io.StringIO()
        raise


def count_batch(
    batch: PageBatch, marks: Marks, *, lowercase: bool, threshold: int, seed: int
) -> Iterator[tuple[str, int]]:
    """The words of the pages that a hash below the threshold chooses, and their counts."""
    chosen = [page for page in batch.pages if hash_64(seed, "sample", hash_bytes(page)) < threshold]
    articles = [read_article(page, batch.site) for page in chosen]
    yield from count_words(
        (one.sentences for one in articles if not isinstance(one, str)), lowercase=lowercase
    ).items()
    marks.add(COUNT)


def write_rows(
    key: _ShardKey, chunks: Iterable[bytes], folder: str, marks: Marks, num_shards: int
) -> str:
    """Write a shard; a line of the report tells of it."""
    length, shard = key
    rows = [row for chunk in chunks for row in unpack(chunk)]
    described = write_shard(folder, shard_path(length, shard, num_shards), rows)
    marks.add(WRITE)
    return json.dumps(["shard", length, described])


def pack(rows: Sequence[Any]) -> bytes:
    """One bytes object for many small ones: Beam's own coders would take each by itself."""
    return pickle.dumps(rows, protocol=5)


def unpack(chunk: bytes) -> list[Any]:
    """What `pack` was given."""
    return pickle.loads(chunk)  # noqa: S301 - packed by pack in a step before
