"""The stage as Beam graphs: one makes a dataset, the other counts the words of a corpus.

Nothing here depends on which worker does what: documents meet in buckets chosen by a hash
of their text, chance has a seed of its own everywhere, and what is written is sorted first.
"""

import io
import json
import os
import pickle
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from components.preprocess.articles import PageBatch, read_article, read_batches
from components.preprocess.buckets import RowSettings, choose_bucket, drop_copies, make_rows
from components.preprocess.documents import Document, make_documents
from components.preprocess.dump import Part
from components.preprocess.hashing import hash_64, hash_bytes
from components.preprocess.marks import Marks
from components.preprocess.pages import DUPLICATE, EMPTY, KEPT
from components.preprocess.shards import Row, shard_path, write_shard
from components.preprocess.words import count_words
from components.shared.errors import InputError
from components.shared.files import write_text
from components.shared.tokenizer import WordPieceTokenizer

# Steps whose progress is marked: the first two for each batch of pages.
COUNT, CLEAN, PAIR, WRITE = "Count words", "Clean and tokenise", "Pair and pack", "Write shards"

_COUNTS = "counts"

# (length, shard)
_ShardKey = tuple[int, int]
# How many documents, by what became of them.
_Count: TypeAlias = TaggedOutput[Literal["counts"], tuple[str, int]]


def build_dataset(
    pipeline: beam.Pipeline,
    parts: Sequence[Part],
    folder: Path,
    report: Path,
    marks: Marks,
    *,
    settings: RowSettings,
    lowercase: bool,
    num_buckets: int,
    num_shards: int,
) -> None:
    """Graph from a dump to shards in a folder, and a report on them.

    The report's lines are JSON: `["shard", length, {...}]` or `["documents", reason, count]`.
    """
    shard_keys = [(length, shard) for length in settings.lengths for shard in range(num_shards)]
    documents = _read_pages(pipeline, parts) | "Make documents" >> beam.ParDo(
        _MakeDocuments(settings, marks, lowercase=lowercase, num_buckets=num_buckets)
    ).with_outputs(_COUNTS, main="documents")
    rows = (
        documents.documents
        | "Gather buckets" >> beam.GroupByKey()
        | "Pair and pack"
        >> beam.ParDo(_MakeRows(settings, marks, num_shards)).with_outputs(_COUNTS, main="rows")
    )
    # A shard that no row falls to is written all the same.
    no_rows = pipeline | "Name shards" >> beam.Create([(key, _pack([])) for key in shard_keys])
    shards = (
        (rows.rows, no_rows)
        | "Add names" >> beam.Flatten()
        | "Gather shards" >> beam.GroupByKey()
        | "Write shards"
        >> beam.MapTuple(lambda key, chunks: _write_shard(key, chunks, folder, marks, num_shards))
    )
    counts = (
        (documents[_COUNTS], rows[_COUNTS])
        | "Join counts" >> beam.Flatten()
        | "Add counts" >> beam.CombinePerKey(sum)
        | "Name counts" >> beam.MapTuple(lambda *count: json.dumps(["documents", *count]))
    )
    (shards, counts) | "Join report" >> beam.Flatten() | "Write report" >> _WriteLines(report)


def build_word_counts(
    pipeline: beam.Pipeline,
    parts: Sequence[Part],
    report: Path,
    marks: Marks,
    *,
    lowercase: bool,
    sample_rate: float,
    seed: int,
) -> None:
    """Graph from a dump to its words and their counts, a JSON list a line.

    Args:
        pipeline: where the steps are added.
        parts: the dump.
        report: file to write.
        marks: where progress is marked.
        lowercase: whether to count words in lower case without accents.
        sample_rate: share of the pages to read, chosen by hash.
        seed: decides on the choice.
    """
    (
        _read_pages(pipeline, parts)
        | "Count words in a batch"
        >> beam.FlatMap(
            _count_batch,
            marks,
            lowercase=lowercase,
            threshold=int(sample_rate * 2**64),
            seed=seed,
        )
        | "Add counts" >> beam.CombinePerKey(sum)
        | "Name counts" >> beam.MapTuple(lambda *count: json.dumps(count))
        | "Write counts" >> _WriteLines(report)
    )


def _read_pages(pipeline: beam.Pipeline, parts: Sequence[Part]) -> beam.PCollection[PageBatch]:
    batches = []
    if ranges := [part for part in parts if not part.is_whole_file]:
        batches.append(_read_parts(pipeline, "ranges", ranges))
    if files := [part for part in parts if part.is_whole_file]:
        # A part may be a whole dump: without this, one worker would clean all its pages.
        pages = _read_parts(pipeline, "files", files)
        batches.append(pages | "Spread pages" >> beam.Reshuffle())
    return batches | "Join pages" >> beam.Flatten() | "Unpack pages" >> beam.FlatMap(_unpack)


def _read_parts(
    pipeline: beam.Pipeline, kind: str, parts: Sequence[Part]
) -> beam.PCollection[bytes]:
    return (
        pipeline
        | f"List {kind}" >> beam.Create([_pack([part]) for part in parts])
        | f"Spread {kind}" >> beam.Reshuffle()
        | f"Read {kind}" >> beam.FlatMap(_read_batches)
    )


class _MakeDocuments(beam.DoFn):
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
        read = [read_article(page, batch.site) for page in batch.pages]
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
            yield bucket, _pack(documents)
        for count in reasons.items():
            yield TaggedOutput(_COUNTS, count)
        self._marks.add(CLEAN)


class _MakeRows(beam.DoFn):
    """The documents of a bucket to rows, by shard; and how many documents they were."""

    def __init__(self, settings: RowSettings, marks: Marks, num_shards: int) -> None:
        self._marks = marks
        self._settings, self._num_shards = settings, num_shards

    def process(
        self, bucket_documents: tuple[int, Iterable[bytes]]
    ) -> Iterator[tuple[_ShardKey, bytes] | _Count]:
        """Make the rows of a bucket, for each length."""
        bucket, chunks = bucket_documents
        read: list[Document] = [document for chunk in chunks for document in _unpack(chunk)]
        documents = drop_copies(read)
        yield TaggedOutput(_COUNTS, (KEPT, len(documents)))
        if len(documents) < len(read):
            yield TaggedOutput(_COUNTS, (DUPLICATE, len(read) - len(documents)))
        for length in self._settings.lengths:
            shard_to_rows: dict[int, list[Row]] = defaultdict(list)
            for row in make_rows(documents, bucket, length, self._settings):
                shard_to_rows[row.order % self._num_shards].append(row)
            for shard, rows in shard_to_rows.items():
                yield (length, shard), _pack(rows)
        self._marks.add(PAIR)


class _WriteLines(beam.PTransform):
    """Collect all lines and write them into one file, sorted."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def expand(self, lines: beam.PCollection[str]) -> beam.PCollection[None]:
        """Add the steps to the graph."""
        path = self._path
        return (
            lines
            | "To one key" >> beam.Map(lambda line: (0, line))
            | "Gather" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(lambda _, lines: _write_lines(lines, path))
        )


def _read_batches(part: bytes) -> Iterator[bytes]:
    try:
        for batch in read_batches(_unpack(part)[0]):
            yield _pack([batch])
    except InputError:
        # A worker process prints what it also passes on; the user is to see it once, alone.
        if "WORKER_ID" in os.environ:
            sys.stderr = io.StringIO()
        raise


def _count_batch(
    batch: PageBatch, marks: Marks, *, lowercase: bool, threshold: int, seed: int
) -> Iterator[tuple[str, int]]:
    chosen = [page for page in batch.pages if hash_64(seed, "sample", hash_bytes(page)) < threshold]
    articles = [read_article(page, batch.site) for page in chosen]
    yield from count_words(
        (one.sentences for one in articles if not isinstance(one, str)), lowercase=lowercase
    ).items()
    marks.add(COUNT)


def _write_shard(
    key: _ShardKey, chunks: Iterable[bytes], folder: Path, marks: Marks, num_shards: int
) -> str:
    length, shard = key
    rows = [row for chunk in chunks for row in _unpack(chunk)]
    described = write_shard(folder, shard_path(length, shard, num_shards), rows)
    marks.add(WRITE)
    return json.dumps(["shard", length, described])


def _write_lines(lines: Iterable[str], path: Path) -> None:
    write_text(path, "".join(f"{line}\n" for line in sorted(lines)))


def _pack(rows: Sequence[Any]) -> bytes:
    """One bytes object for many small ones: Beam's own coders would take each by itself."""
    return pickle.dumps(rows, protocol=5)


def _unpack(chunk: bytes) -> list[Any]:
    return pickle.loads(chunk)  # noqa: S301 - packed by _pack in a step before
