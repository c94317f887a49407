"""The stage as Beam graphs: one makes a dataset, the other counts the words of a corpus.

Nothing here depends on which worker does what: documents meet in buckets chosen by a hash
of their text, chance has a seed of its own everywhere, and what is written is sorted first.
"""

import json
from collections.abc import Iterable, Sequence

import apache_beam as beam

from components.preprocess import places
from components.preprocess.articles import PageBatch
from components.preprocess.buckets import RowSettings
from components.preprocess.dump import Part
from components.preprocess.marks import Marks
from components.preprocess.steps import (
    COUNTS,
    MakeDocuments,
    MakeRows,
    count_batch,
    pack,
    read_part,
    unpack,
    write_rows,
)


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
    num_shards: int,
) -> None:
    """Graph from a dump to shards in a folder, and a report on them.

    The report's lines are JSON: `["shard", length, {...}]` or `["documents", reason, count]`.
    """
    shard_keys = [(length, shard) for length in settings.lengths for shard in range(num_shards)]
    documents = _read_pages(pipeline, parts) | "Make documents" >> beam.ParDo(
        MakeDocuments(settings, marks, lowercase=lowercase, num_buckets=num_buckets)
    ).with_outputs(COUNTS, main="documents")
    rows = (
        documents.documents
        | "Gather buckets" >> beam.GroupByKey()
        | "Pair and pack"
        >> beam.ParDo(MakeRows(settings, marks, num_shards)).with_outputs(COUNTS, main="rows")
    )
    # A shard that no row falls to is written all the same.
    no_rows = pipeline | "Name shards" >> beam.Create([(key, pack([])) for key in shard_keys])
    shards = (
        (rows.rows, no_rows)
        | "Add names" >> beam.Flatten()
        | "Gather shards" >> beam.GroupByKey()
        | "Write shards"
        >> beam.MapTuple(lambda key, chunks: write_rows(key, chunks, folder, marks, num_shards))
    )
    counts = (
        (documents[COUNTS], rows[COUNTS])
        | "Join counts" >> beam.Flatten()
        | "Add counts" >> beam.CombinePerKey(sum)
        | "Name counts" >> beam.MapTuple(lambda *count: json.dumps(["documents", *count]))
    )
    (shards, counts) | "Join report" >> beam.Flatten() | "Write report" >> _WriteLines(report)


def build_word_counts(
    pipeline: beam.Pipeline,
    parts: Sequence[Part],
    report: str,
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
            count_batch,
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
    return batches | "Join pages" >> beam.Flatten() | "Unpack pages" >> beam.FlatMap(unpack)


def _read_parts(
    pipeline: beam.Pipeline, kind: str, parts: Sequence[Part]
) -> beam.PCollection[bytes]:
    return (
        pipeline
        | f"List {kind}" >> beam.Create([pack([part]) for part in parts])
        | f"Spread {kind}" >> beam.Reshuffle()
        | f"Read {kind}" >> beam.FlatMap(read_part)
    )


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
    places.write_text(path, "".join(f"{line}\n" for line in sorted(lines)))
