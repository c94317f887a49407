"""The preprocess stage, step by step."""

import json
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.preprocess.config import PreprocessConfig
from components.preprocess.dump import Dump, Part, open_dump
from components.preprocess.graph import RowSettings, build_dataset, build_word_counts
from components.preprocess.manifest import describe_dataset, read_report
from components.preprocess.pages import KEPT
from components.preprocess.quiet_beam import PipelineOptions
from components.preprocess.runner import count_workers, make_options, run_graph
from components.preprocess.word_pieces import read_word_counts, train_word_pieces
from components.shared.errors import InputError
from components.shared.files import whole_file, whole_folder, write_text
from components.shared.records import MANIFEST
from components.shared.stage import Metadata
from components.shared.vocabulary import Vocabulary

# Documents enough for random partners, and little enough memory: some hundred articles.
_BUCKET_XML_BYTES = 4 << 20
# Makes shards of 100 to 200 MB of a whole Wikipedia: a pairing gives 0.15 to 0.4 bytes of
# records for one of XML, the least where most pages are redirects and short articles.
_SHARD_XML_BYTES = 700 << 20
# Words enough to learn 30,000 pieces from, in a minute or so.
_SAMPLE_XML_BYTES = 256 << 20
_MIN_PART_BYTES, _MAX_PART_BYTES, _PARTS_PER_WORKER = 1 << 18, 4 << 20, 4


def run(config: PreprocessConfig) -> Metadata:
    """Turn the dump into a dataset of packed rows.

    Raises:
        InputError: if the dump or the vocabulary can't be used.
    """
    dump = open_dump(config.dump_files)
    num_workers = count_workers(config, dump.estimated_xml_bytes)
    options = make_options(config, num_workers)
    parts = _cut(dump, num_workers)
    _say(f"{len(dump.files)} dump file(s), {dump.num_bytes / 1e6:.1f} MB, {num_workers} worker(s)")
    with tempfile.TemporaryDirectory(prefix="preprocess-") as scratch:
        report = Path(scratch) / "report"
        vocabulary_file = _given_vocabulary(config)
        if vocabulary_file is None:
            vocabulary_file = Path(scratch) / "vocab.txt"
            _train_vocabulary(config, dump, parts, options, report, vocabulary_file)
        vocabulary = Vocabulary.read(vocabulary_file)
        with whole_folder(config.dataset) as folder:
            _build_dataset(config, dump, parts, options, vocabulary, folder, report)
            documents, shards = read_report(report)
            _require_articles(config, documents)
            manifest = describe_dataset(
                config,
                vocabulary=vocabulary,
                documents=documents,
                shards=shards,
                sources=dump.manifest,
            )
            write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
            with whole_file(config.vocabulary) as copy:
                copy.write_bytes(vocabulary_file.read_bytes())
    return _summarize(manifest)


def _cut(dump: Dump, num_workers: int) -> list[Part]:
    """Pieces of work, some for each worker; which ones changes nothing but the time."""
    part_bytes = dump.num_bytes // (num_workers * _PARTS_PER_WORKER)
    return dump.cut(min(max(part_bytes, _MIN_PART_BYTES), _MAX_PART_BYTES))


def _given_vocabulary(config: PreprocessConfig) -> Path | None:
    path = config.given_vocabulary
    if path is None or (path.exists() and not path.stat().st_size):
        return None
    return path


def _train_vocabulary(
    config: PreprocessConfig,
    dump: Dump,
    parts: Sequence[Part],
    options: PipelineOptions,
    report: Path,
    vocabulary_file: Path,
) -> None:
    _say("counting words, to train a vocabulary")
    sample_rate = min(1.0, _SAMPLE_XML_BYTES / dump.estimated_xml_bytes)
    run_graph(
        options,
        lambda pipeline: build_word_counts(
            pipeline,
            parts,
            report,
            lowercase=config.lowercase,
            sample_rate=sample_rate,
            seed=config.seed,
        ),
    )
    pieces = train_word_pieces(read_word_counts(report), config.vocabulary_size)
    write_text(vocabulary_file, "".join(f"{piece}\n" for piece in pieces))
    _say(f"trained a vocabulary of {len(pieces)} word pieces")


def _build_dataset(
    config: PreprocessConfig,
    dump: Dump,
    parts: Sequence[Part],
    options: PipelineOptions,
    vocabulary: Vocabulary,
    folder: Path,
    report: Path,
) -> None:
    _say(f"making rows of {' and '.join(map(str, config.lengths()))} tokens")
    settings = RowSettings(
        lengths=config.lengths(),
        short_sequence_rate=config.short_sequence_rate,
        num_duplicates=config.num_duplicates,
        seed=config.seed,
        vocabulary=vocabulary,
    )
    paired_bytes = dump.estimated_xml_bytes * config.num_duplicates
    run_graph(
        options,
        lambda pipeline: build_dataset(
            pipeline,
            parts,
            folder,
            report,
            settings=settings,
            lowercase=config.lowercase,
            num_buckets=math.ceil(dump.estimated_xml_bytes / _BUCKET_XML_BYTES),
            num_shards=max(config.num_shards, math.ceil(paired_bytes / _SHARD_XML_BYTES)),
        ),
    )


def _require_articles(config: PreprocessConfig, documents: Mapping[str, int]) -> None:
    if documents.get(KEPT):
        return
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(documents.items()))
    raise InputError(
        f"{config.dump_files}: no article to learn from ({dropped or 'no page at all'}); give a "
        "dump that holds articles with text, such as pages-articles"
    )


def _summarize(manifest: Mapping[str, Any]) -> Metadata:
    documents = manifest["documents"]
    for length, values in manifest["lengths"].items():
        _say(
            f"{values['num_rows']} rows of {length} tokens, {values['fill']:.1%} full, "
            f"{values['num_sequences']} sequences of {documents[KEPT]} documents"
        )
    rows = {f"num_rows_{name}": one["num_rows"] for name, one in manifest["lengths"].items()}
    fill = {f"fill_{name}": one["fill"] for name, one in manifest["lengths"].items()}
    return {
        "dataset": {"num_documents": documents[KEPT], **rows, **fill},
        "vocabulary": manifest["vocabulary"],
    }


def _say(text: str) -> None:
    print(f"preprocess: {text}", file=sys.stderr, flush=True)
