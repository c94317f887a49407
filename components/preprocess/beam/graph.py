"""The stage as Beam graphs: one makes a dataset, the other counts the words of a corpus.

Nothing here depends on which worker does what: documents meet in buckets chosen by a hash
of their text, chance has a seed of its own everywhere, and what is written is sorted first.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import apache_beam as beam

from components.preprocess.batches import Batch
from components.preprocess.beam.progress_files import Marks
from components.preprocess.beam.row_chunks import make_empty_chunk
from components.preprocess.beam.steps import (
    COUNTS,
    NUM_PROBLEMS_SHOWN,
    PROBLEMS,
    CountWords,
    MakeDocuments,
    MakeRows,
    open_chunk,
    read_chunks,
    write_rows,
)
from components.preprocess.corpora import Part, read_batches
from components.preprocess.rows.document_groups import RowSettings
from components.preprocess.rows.shards import ShardSet
from components.preprocess.storage import filesystem

# Buckets that pass between workers together: fewer, larger chunks. Each group is read bucket
# by bucket.
_MAX_BUCKET_GROUPS = 512


def build_dataset(
    pipeline: beam.Pipeline,
    parts: Sequence[Part],
    folder: str,
    report: str,
    marks: Marks,
    *,
    settings: RowSettings,
    lowercase: bool,
    num_buckets: int,
    shard_counts: Mapping[ShardSet, int],
    chunks: Path | None,
) -> None:
    """Graph from corpora to shards in a folder, and a report on them.

    The report's lines are JSON: `["shard", is held out, length, {...}]`, `["documents", corpus,
    reason, count]` or `["problem", file, place, reason]`.

    Args:
        pipeline: where the steps are added.
        parts: the corpora.
        folder: where the shards go.
        report: file to write.
        marks: where progress is marked.
        settings: what decides how documents become rows.
        lowercase: whether text is made lower case without accents.
        num_buckets: in how many the documents meet that are not held out.
        shard_counts: files of each length, for training and held out.
        chunks: folder for what passes between steps; None leaves it to the runner.
    """
    make_documents = MakeDocuments(
        settings,
        marks,
        lowercase=lowercase,
        num_buckets=num_buckets,
        num_groups=min(num_buckets, _MAX_BUCKET_GROUPS),
        chunks=chunks,
    )
    documents = [
        read
        | f"Make documents of {kind}"
        >> beam.ParDo(make_documents).with_outputs(COUNTS, PROBLEMS, main="documents")
        for kind, read in _read_documents(pipeline, parts, chunks)
    ]
    make_rows = MakeRows(
        settings, marks, num_buckets=num_buckets, shard_counts=shard_counts, chunks=chunks
    )
    rows = (
        [one.documents for one in documents]
        | "Join documents" >> beam.Flatten()
        | "Gather buckets" >> beam.GroupByKey()
        | "Pair and pack" >> beam.ParDo(make_rows).with_outputs(COUNTS, main="rows")
    )
    # A shard that no row falls to is written all the same.
    no_rows = pipeline | "Name shards" >> beam.Create(
        [
            ((*shards, shard), make_empty_chunk())
            for shards, num_shards in shard_counts.items()
            for shard in range(num_shards)
        ]
    )
    shards = (
        (rows.rows, no_rows)
        | "Add names" >> beam.Flatten()
        | "Gather shards" >> beam.GroupByKey()
        | "Write shards"
        >> beam.MapTuple(lambda key, chunks: write_rows(key, chunks, folder, marks, shard_counts))
    )
    counts = (
        [rows[COUNTS], *(one[COUNTS] for one in documents)]
        | "Join counts" >> beam.Flatten()
        | "Add counts" >> beam.CombinePerKey(sum)
        | "Name counts" >> beam.MapTuple(lambda key, count: json.dumps(["documents", *key, count]))
    )
    problems = (
        [one[PROBLEMS] for one in documents]
        | "Join problems" >> beam.Flatten()
        | "First problems" >> beam.combiners.Top.Smallest(NUM_PROBLEMS_SHOWN)
        | "Name problems"
        >> beam.FlatMap(lambda some: [json.dumps(["problem", *one]) for one in some])
    )
    (
        (shards, counts, problems)
        | "Join report" >> beam.Flatten()
        | "Write report" >> _WriteLines(report)
    )


def build_word_counts(
    pipeline: beam.Pipeline,
    parts: Sequence[Part],
    report: str,
    marks: Marks,
    *,
    lowercase: bool,
    sample_rate: float,
    seed: int,
    chunks: Path | None,
) -> None:
    """Graph from corpora to their words and how often they occur, a JSON list a line.

    Args:
        pipeline: where the steps are added.
        parts: the corpora.
        report: file to write.
        marks: where progress is marked.
        lowercase: whether to count words in lower case without accents.
        sample_rate: share of the documents to read, chosen by hash.
        seed: decides on the choice.
        chunks: folder for what passes between steps; None leaves it to the runner.
    """
    count_words = CountWords(
        marks, lowercase=lowercase, threshold=int(sample_rate * 2**64), seed=seed
    )
    counts = [
        read
        | f"Count words of {kind}" >> beam.ParDo(count_words)
        | f"Add counts of {kind}" >> beam.CombinePerKey(sum)
        for kind, read in _read_documents(pipeline, parts, chunks)
    ]
    (
        counts
        | "Join counts" >> beam.Flatten()
        | "Add counts" >> beam.CombinePerKey(sum)
        | "Name counts" >> beam.MapTuple(lambda *count: json.dumps(count))
        | "Write counts" >> _WriteLines(report)
    )


def _read_documents(
    pipeline: beam.Pipeline, parts: Sequence[Part], chunks: Path | None
) -> Iterator[tuple[str, beam.PCollection[Batch]]]:
    """Documents in ranges of files, and in files that can't be divided, where there are such.

    Not joined: the embedded runner would hold all that is joined in one process's memory.
    """
    if ranges := [part for part in parts if not part.is_whole_file]:
        yield (
            "ranges",
            _list_parts(pipeline, "ranges", ranges) | "Read ranges" >> beam.FlatMap(read_batches),
        )
    if files := [part for part in parts if part.is_whole_file]:
        # A part may be a whole corpus: without the second spreading, one worker would clean it.
        yield (
            "files",
            _list_parts(pipeline, "files", files)
            | "Read files" >> beam.FlatMap(read_chunks, chunks)
            | "Spread documents" >> beam.Reshuffle()
            | "Open documents" >> beam.FlatMap(open_chunk),
        )


def _list_parts(
    pipeline: beam.Pipeline, kind: str, parts: Sequence[Part]
) -> beam.PCollection[Part]:
    return pipeline | f"List {kind}" >> beam.Create(parts) | f"Spread {kind}" >> beam.Reshuffle()


class _WriteLines(beam.PTransform):
    """Collect all lines and write them into one file, sorted."""

    def __init__(self, path: str) -> None:
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


def _write_lines(lines: Iterable[str], path: str) -> None:
    filesystem.write_text(path, "".join(f"{line}\n" for line in sorted(lines)))
