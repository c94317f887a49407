"""What the steps of the graphs do with one element each."""

import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeAlias

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from components.preprocess.batches import CORPORA, Batch, RecordBatch
from components.preprocess.beam.chunk_files import ChunkFile
from components.preprocess.beam.chunks import (
    Gatherer,
    compress,
    decompress,
    merge_chunks,
    write_items,
)
from components.preprocess.beam.progress_files import Marks
from components.preprocess.beam.row_chunks import RowChunks, RowGatherer, ShardKey
from components.preprocess.corpora import Part, read_batches
from components.preprocess.outcomes import BAD, DUPLICATE, EMPTY, HELD_OUT, KEPT
from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.document_groups import (
    RowSettings,
    choose_bucket,
    drop_copies,
    make_rows,
)
from components.preprocess.rows.documents import make_documents
from components.preprocess.rows.hashing import hash_64, hash_bytes
from components.preprocess.rows.shards import ShardSet, write_shard
from components.preprocess.text.articles import Article
from components.preprocess.text.guard import GuardedReader
from components.preprocess.text_files.records import Record
from components.preprocess.vocabulary.words import count_words
from components.shared.tokens.tokenizer import WordPieceTokenizer

# Steps whose progress is marked: the first two for each batch of documents.
COUNT, CLEAN, PAIR, WRITE = "Count words", "Clean and tokenize", "Pair and pack", "Write shards"

# What a step gives besides documents or rows.
COUNTS, PROBLEMS = "counts", "problems"
NUM_PROBLEMS_SHOWN = 3

# How many documents, by corpus and by what became of them.
_Count: TypeAlias = TaggedOutput[Literal["counts"], tuple[tuple[str, str], int]]
# A record that is not text: its file, its place there, and the reason.
_Problem = tuple[str, int, str]


_ALLOCATIONS_BEFORE_COLLECTION = 100_000


def collect_seldom() -> None:
    """Have Python look for cycles less often.

    By default it looks after 700 to 2,000 allocations, again and again, at the documents that a
    step holds, which have none: a fifteenth of the time that rows take.
    """
    gc.set_threshold(_ALLOCATIONS_BEFORE_COLLECTION)


class MakeDocuments(beam.DoFn):
    """Batches to documents, by group of buckets; and what became of each item."""

    def __init__(
        self,
        settings: RowSettings,
        marks: Marks,
        *,
        lowercase: bool,
        num_buckets: int,
        num_groups: int,
        chunks: Path | None,
    ) -> None:
        self._marks = marks
        self._settings, self._lowercase = settings, lowercase
        self._num_buckets, self._num_groups = num_buckets, num_groups
        self._chunks = chunks

    def setup(self) -> None:
        """Once a worker: a tokenizer and a process can't travel."""
        collect_seldom()
        tokenizer = WordPieceTokenizer(self._settings.vocabulary, lowercase=self._lowercase)
        self._tokenizer = BatchTokenizer(tokenizer)
        self._reader = GuardedReader(self._settings.splitter)

    def start_bundle(self) -> None:
        """Nothing is gathered yet."""
        self._gatherer = Gatherer(self._chunks)
        self._problems: list[_Problem] = []

    def process(self, batch: Batch) -> Iterator[tuple[int, bytes] | _Count]:
        """Make the documents of a batch."""
        read = self._reader.read(batch)
        reasons = Counter(one for one in read if isinstance(one, str))
        self._note_problems(batch, read)
        articles = [one for one in read if not isinstance(one, str)]
        for document in make_documents(articles, self._tokenizer, batch.corpus):
            if document is None:
                reasons[EMPTY] += 1
                continue
            bucket = choose_bucket(document, self._num_buckets, self._settings)
            num_bytes = document.piece_ids.itemsize * len(document.piece_ids)
            self._gatherer.add(bucket % self._num_groups, (bucket, document), num_bytes)
        if self._gatherer.is_full():
            yield from self._gatherer.hand_on()
        for reason, count in reasons.items():
            yield TaggedOutput(COUNTS, ((CORPORA[batch.corpus], reason), count))
        self._marks.add(CLEAN)

    def _note_problems(self, batch: Batch, read: Sequence[Article | str]) -> None:
        if isinstance(batch, RecordBatch):
            self._problems += [
                (batch.source.path, record.place, one)
                for record, one in zip(batch.items, read, strict=True)
                if isinstance(one, str) and one in BAD
            ]
            self._problems = sorted(self._problems)[:NUM_PROBLEMS_SHOWN]

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Hand on the rest."""
        yield from _window(self._gatherer.finish())
        for problem in self._problems:
            yield TaggedOutput(PROBLEMS, GlobalWindows.windowed_value(problem))

    def teardown(self) -> None:
        """End the reader's process."""
        self._reader.close()


class MakeRows(beam.DoFn):
    """The documents of a group of buckets to rows, by shard; and how many documents they were."""

    def __init__(
        self,
        settings: RowSettings,
        marks: Marks,
        *,
        num_buckets: int,
        shard_counts: Mapping[ShardSet, int],
        chunks: Path | None,
    ) -> None:
        self._marks, self._chunks = marks, chunks
        self._settings, self._num_buckets = settings, num_buckets
        # Held out is only looked at: once is enough.
        self._held_out_settings = replace(settings, num_duplicates=(1,) * len(CORPORA))
        self._shard_counts = shard_counts

    def setup(self) -> None:
        """Prepare a worker."""
        collect_seldom()

    def start_bundle(self) -> None:
        """Nothing is gathered yet."""
        self._gatherer = RowGatherer(self._chunks, self._shard_counts)

    def process(
        self, group_chunks: tuple[int, Iterable[bytes]]
    ) -> Iterator[tuple[ShardKey, bytes] | _Count]:
        """Make the rows of some buckets, one after another, for each length."""
        for number, items in groupby(merge_chunks(group_chunks[1]), key=itemgetter(0)):
            read = [document for _, document in items]
            bucket = Bucket(number, drop_copies(read))
            kept = Counter(document.corpus for document in bucket.documents)
            copies = Counter(document.corpus for document in read) - kept
            is_held_out = number >= self._num_buckets
            settings = self._held_out_settings if is_held_out else self._settings
            for reason, counts in ((HELD_OUT if is_held_out else KEPT, kept), (DUPLICATE, copies)):
                for corpus, count in counts.items():
                    yield TaggedOutput(COUNTS, ((CORPORA[corpus], reason), count))
            for shards in self._shard_counts:
                if shards.is_held_out != is_held_out:
                    continue
                for block in make_rows(bucket, shards.length, settings):
                    self._gatherer.add(shards, block)
                    if self._gatherer.is_full():
                        yield from self._gatherer.hand_on()
            self._marks.add(PAIR)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Hand on the rest."""
        yield from _window(self._gatherer.finish())


class CountWords(beam.DoFn):
    """The words of the documents that a hash below the threshold chooses, and their counts."""

    def __init__(self, marks: Marks, *, lowercase: bool, threshold: int, seed: int) -> None:
        self._marks, self._lowercase = marks, lowercase
        self._threshold, self._seed = threshold, seed

    def setup(self) -> None:
        """Once a worker: a process can't travel."""
        self._reader = GuardedReader()

    def process(self, batch: Batch) -> Iterator[tuple[str, int]]:
        """Count the words of a batch."""
        chosen: Any = [item for item in batch.items if self._is_chosen(item)]
        articles = self._reader.read(batch._replace(items=chosen))
        yield from count_words(
            (one.sentences for one in articles if not isinstance(one, str)),
            lowercase=self._lowercase,
        ).items()
        self._marks.add(COUNT)

    def teardown(self) -> None:
        """End the reader's process."""
        self._reader.close()

    def _is_chosen(self, item: bytes | str | Record) -> bool:
        if isinstance(item, str):
            return False
        data = item.data if isinstance(item, Record) else item
        return hash_64(self._seed, "sample", hash_bytes(data)) < self._threshold


def read_chunks(part: Part, chunks: Path | None) -> Iterator[bytes]:
    """The documents of a part as chunks, to be read by other workers."""
    file = ChunkFile(chunks)
    for batch in read_batches(part):
        yield write_items(file, [compress(batch)])
    file.close()


def open_chunk(chunk: bytes) -> Iterator[Batch]:
    """The batches of a chunk that `read_chunks` made."""
    return map(decompress, merge_chunks([chunk]))


def write_rows(
    key: ShardKey,
    chunks: Iterable[bytes],
    folder: str,
    marks: Marks,
    shard_counts: Mapping[ShardSet, int],
) -> str:
    """Write a shard; a line of the report tells of it."""
    length, is_held_out, shard = key
    shards = ShardSet(length, is_held_out)
    file = shards.path(shard, shard_counts[shards])
    rows = RowChunks(chunks)
    described = write_shard(folder, file, rows.merge(), rows.count())
    marks.add(WRITE)
    return json.dumps(["shard", shards.is_held_out, shards.length, described])


def _window(items: Iterable[Any]) -> Iterator[WindowedValue]:
    """As Beam wants what a bundle's end gives."""
    return map(GlobalWindows.windowed_value, items)
