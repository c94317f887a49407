"""The preprocess stage, step by step."""

import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from components.preprocess.batches import BATCH_BYTES, CORPORA, DUMP, TEXT
from components.preprocess.beam.graph import build_dataset, build_word_counts
from components.preprocess.beam.progress_files import Marks, Step, show_progress
from components.preprocess.beam.runner import (
    Places,
    count_workers,
    find_places,
    make_options,
    run_graph,
)
from components.preprocess.beam.steps import CLEAN, COUNT, PAIR, WRITE
from components.preprocess.config import EMBEDDED, PUNKT, PreprocessConfig
from components.preprocess.corpora import Corpora, Part, open_corpora
from components.preprocess.dataset_manifest import Report, describe_dataset, read_report
from components.preprocess.given_dataset import find_given, pass_on, summarize
from components.preprocess.input_limits import Limits
from components.preprocess.outcomes import BAD, KEPT, TOO_LONG
from components.preprocess.rows.document_groups import RowSettings, count_held_out_buckets
from components.preprocess.shard_sizes import count_shards
from components.preprocess.storage import filesystem
from components.preprocess.text.case import choose_lowercase
from components.preprocess.text.punkt import train_punkt
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.text_files.files import TextSettings
from components.preprocess.vocabulary.word_pieces import read_word_counts, train_word_pieces
from components.shared.checkpoints.checkpoint_manifest import is_none
from components.shared.checkpoints.description import VOCABULARY, Description, read_description
from components.shared.dataset.folder import MANIFEST
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, scratch_folder, whole_file, write_text
from components.shared.stage.start import Metadata
from components.shared.tokens.vocabulary import Vocabulary

# Documents enough for random partners, and little enough memory: some hundred articles.
_BUCKET_BYTES = 4 << 20
# Words enough to learn 30,000 pieces from, in a minute or so.
_SAMPLE_BYTES = 256 << 20
_NOTHING_KEPT = {
    DUMP: ("article", "give a dump that holds articles with text, such as pages-articles"),
    TEXT: ("document", "give files that hold text"),
}


def run(config: PreprocessConfig) -> Metadata:
    """Turn the corpora into a dataset of packed rows.

    Raises:
        InputError: if a corpus or the vocabulary can't be used.
    """
    filesystem.use_options(make_options(config, num_workers=1))
    places = find_places(config)
    _expect_places(config, places.dataset)
    initial = _read_initial(config)
    vocabulary_file = initial.folder / VOCABULARY if initial else _given_vocabulary(config)
    given = find_given(config, vocabulary_file)
    if given is None:
        text = _make_dataset(config, places, initial, vocabulary_file)
        metadata = _summarize(json.loads(text))
    else:
        assert vocabulary_file is not None
        text = pass_on(given, places.dataset)
        _write_vocabulary(config, vocabulary_file)
        metadata = summarize(given)
    if filesystem.is_in_store(places.dataset) and config.dataset.is_absolute():
        # Kubeflow's launcher looks for the output here, and copies it over the same.
        write_text(config.dataset / MANIFEST, text)
    return metadata


def _make_dataset(
    config: PreprocessConfig,
    places: Places,
    initial: Description | None,
    given_vocabulary: Path | None,
) -> str:
    """Write the dataset and the vocabulary, and return dataset.json."""
    corpora = open_corpora(places.dump_files, places.text_files, _read_as(config))
    dataset = places.dataset
    if initial is None:
        lowercase, warning = choose_lowercase(config.lowercase, corpora.languages)
        if warning:
            _say(warning)
    else:
        lowercase = initial.tokenization.lowercase
    config = replace(config, lowercase=lowercase)
    num_workers = count_workers(config, corpora.estimated_bytes)
    _say(f"{corpora.describe()}; {num_workers or 'as many as there are'} worker(s)")
    options = make_options(config, num_workers)
    with (
        _make_scratch(dataset) as scratch,
        filesystem.work_folder(dataset) as reports,
    ):
        parts = corpora.cut(num_workers)
        work = _Work(config, corpora, parts, options, scratch, reports)
        vocabulary_file = given_vocabulary or _train_vocabulary(work)
        vocabulary = Vocabulary.read(vocabulary_file)
        with filesystem.whole_dataset(dataset) as folder:
            report = _build_shards(work, vocabulary, folder)
            _warn_of_long_documents(config, report)
            _require_good(config, report)
            _require_documents(config, corpora, report)
            manifest = describe_dataset(
                config, vocabulary=vocabulary, report=report, corpora=corpora
            )
            _write_vocabulary(config, vocabulary_file)
            text = json.dumps(manifest, indent=2) + "\n"
            filesystem.write_text(filesystem.join(folder, MANIFEST), text)
    return text


def _expect_places(config: PreprocessConfig, dataset: str) -> None:
    """Find out before the work whether its outputs can be written."""
    expect_place(config.vocabulary)
    if not filesystem.is_in_store(dataset):
        expect_place(Path(dataset), is_folder=True)


@dataclass(frozen=True)
class _Work:
    """What the graphs of a run have in common."""

    config: PreprocessConfig
    corpora: Corpora
    parts: Sequence[Part]
    options: PipelineOptions
    scratch: Path
    """Folder of this machine."""
    reports: str
    """Folder where workers leave word."""

    @property
    def marks(self) -> Marks:
        """Where workers mark progress."""
        return Marks(self.scratch)

    @property
    def chunks(self) -> Path | None:
        """Where workers leave what passes between steps; None where they share no disk."""
        return self.scratch if self.config.runner_name() == EMBEDDED else None

    @property
    def num_batches(self) -> int:
        """About how many batches of documents there are."""
        return math.ceil(self.corpora.estimated_bytes / BATCH_BYTES)


def _make_scratch(dataset: str) -> AbstractContextManager[Path]:
    """A folder of this machine, beside the dataset where that is on a disk: it may get large."""
    if filesystem.is_in_store(dataset):
        return scratch_folder(Path(tempfile.gettempdir()) / "preprocess")
    return scratch_folder(Path(dataset))


def _read_as(config: PreprocessConfig) -> TextSettings:
    return TextSettings(
        documents=config.text_documents,
        field=config.text_field,
        encoding=config.text_encoding,
        language=config.language,
        limits=Limits.of(config),
    )


def _read_initial(config: PreprocessConfig) -> Description | None:
    """What the checkpoint that pretraining starts from says of its text; None without one."""
    if config.initial_checkpoint is None or is_none(config.initial_checkpoint):
        return None
    initial = read_description(config.initial_checkpoint)
    tokenization = initial.tokenization
    if tokenization.strip_accents not in (None, tokenization.lowercase):
        raise InputError(
            f"{initial.folder}: strip_accents {tokenization.strip_accents} with do_lower_case "
            f"{tokenization.lowercase} can't be pretrained on here; give another checkpoint"
        )
    if not tokenization.tokenize_chinese_chars:
        raise InputError(
            f"{initial.folder}: tokenize_chinese_chars false can't be pretrained on here; give "
            "another checkpoint"
        )
    return initial


def _given_vocabulary(config: PreprocessConfig) -> Path | None:
    path = config.given_vocabulary
    if path is None or (path.exists() and not path.stat().st_size):
        return None
    return path


def _write_vocabulary(config: PreprocessConfig, file: Path) -> None:
    with whole_file(config.vocabulary) as copy:
        copy.write_bytes(file.read_bytes())


def _train_vocabulary(work: _Work) -> Path:
    """A vocabulary trained on the corpora, in a file."""
    config, report = work.config, filesystem.join(work.reports, "words.jsonl")
    with show_progress(work.marks, Step(COUNT, work.num_batches, "MB")):
        run_graph(
            work.options,
            lambda pipeline: build_word_counts(
                pipeline,
                work.parts,
                report,
                work.marks,
                lowercase=config.lowercase,
                sample_rate=min(1.0, _SAMPLE_BYTES / work.corpora.estimated_bytes),
                seed=config.seed,
                chunks=work.chunks,
            ),
        )
    if "words.jsonl" not in filesystem.list_folder(work.reports):  # no document, no word
        _require_documents(config, work.corpora, Report())
    pieces = train_word_pieces(read_word_counts(report), config.vocabulary_size)
    _say(f"trained a vocabulary of {len(pieces)} word pieces")
    vocabulary_file = work.scratch / "vocab.txt"
    write_text(vocabulary_file, "".join(f"{piece}\n" for piece in pieces))
    return vocabulary_file


def _build_shards(work: _Work, vocabulary: Vocabulary, folder: str) -> Report:
    """Write the shards, and tell what became of the documents and what the shards hold."""
    config, report = work.config, filesystem.join(work.reports, "report.jsonl")
    num_buckets = math.ceil(work.corpora.estimated_bytes / _BUCKET_BYTES)
    settings = RowSettings(
        lengths=config.lengths(),
        short_sequence_rate=config.short_sequence_rate,
        num_duplicates=config.duplicates(),
        seed=config.seed,
        vocabulary=vocabulary,
        held_out_rate=config.held_out_rate,
        splitter=_choose_splitter(work),
        format=config.format,
        mask_rate=config.mask_rate,
        max_predictions=config.predictions(),
        whole_word_masking=config.whole_word_masking,
    )
    shard_counts = count_shards(
        work.corpora, settings, lowercase=config.lowercase, least=config.num_shards
    )
    with show_progress(
        work.marks,
        Step(CLEAN, work.num_batches, "MB"),
        Step(PAIR, num_buckets + count_held_out_buckets(num_buckets, settings), "buckets"),
        Step(WRITE, sum(shard_counts.values()), "shards"),
    ):
        run_graph(
            work.options,
            lambda pipeline: build_dataset(
                pipeline,
                work.parts,
                folder,
                report,
                work.marks,
                settings=settings,
                lowercase=config.lowercase,
                num_buckets=num_buckets,
                shard_counts=shard_counts,
                chunks=work.chunks,
            ),
        )
    return read_report(report)


def _choose_splitter(work: _Work) -> SentenceSplitter:
    if work.config.sentence_splitter != PUNKT:
        return SentenceSplitter()
    punkt = train_punkt(work.parts)
    _say(f"Punkt learned {len(punkt.abbrev_types)} abbreviations from the text")
    return SentenceSplitter(punkt)


def _warn_of_long_documents(config: PreprocessConfig, report: Report) -> None:
    num_long = sum(documents[TOO_LONG] for documents in report.corpus_to_documents.values())
    if num_long:
        _say(
            f"{num_long} document(s) have more than max_document_mb {config.max_document_mb:g} and "
            "were left out; raise it to keep them"
        )


def _require_good(config: PreprocessConfig, report: Report) -> None:
    documents = report.corpus_to_documents.get(CORPORA[TEXT], Counter())
    num_bad = sum(documents[reason] for reason in BAD)
    if num_bad > config.max_bad_rate * documents.total():
        raise InputError(
            f"{config.text_files}: {num_bad} of {documents.total()} records can't be read, more "
            f"than max_bad_rate {config.max_bad_rate} allows: {'; '.join(report.problems)}; "
            "correct the files, or raise max_bad_rate"
        )


def _require_documents(config: PreprocessConfig, corpora: Corpora, report: Report) -> None:
    folders = {DUMP: config.dump_files, TEXT: config.text_files}
    for index in corpora.given:
        documents = report.corpus_to_documents.get(CORPORA[index], Counter())
        if documents[KEPT]:
            continue
        dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(documents.items()))
        noun, remedy = _NOTHING_KEPT[index]
        found = dropped or f"no {noun} at all"
        raise InputError(f"{folders[index]}: no {noun} to learn from ({found}); {remedy}")


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
