"""What the preprocess stage is given, and where it puts what it makes."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from components.shared.errors import InputError
from components.shared.files.unpacking import UnpackingConfig
from components.shared.stage.settings import Rare, expect_choices
from components.shared.storage.locations import ObjectStoreConfig

Format = Literal["packed", "google"]
PACKED, GOOGLE = FORMATS = get_args(Format)
TextDocuments = Literal["file", "blank-line", "line", "google"]
FILE, BLANK_LINE, LINE, GOOGLE_LINES = get_args(TextDocuments)
Splitter = Literal["sentencex", "punkt"]
SENTENCEX, PUNKT = get_args(Splitter)

# [CLS] A [SEP] B [SEP] with a piece each for A and B.
_MIN_LENGTH = 5
# Far more than a BERT has positions, and a page has text.
_MAX_LENGTH, _MAX_DOCUMENT_MB = 65_536, 1_000_000
# The trainer of word pieces sets aside memory for all of them; multilingual BERTs have 119,547.
_MIN_VOCABULARY_SIZE, _MAX_VOCABULARY_SIZE = 100, 1_000_000
_PREDICTIONS_STEP = 20
_LEAST = {"num_duplicates": 1, "text_num_duplicates": 0, "num_shards": 1, "num_workers": 0}

# The one on this machine, and those that run elsewhere, by Beam's names.
EMBEDDED, FLINK, DATAFLOW = RUNNERS = ("FnApiRunner", "FlinkRunner", "DataflowRunner")


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig(UnpackingConfig, ObjectStoreConfig):
    """Turn a Wikipedia dump, text of your own, or both into rows of sentence pairs for BERT."""

    dump_files: Path | None = None
    """Folder of MediaWiki XML exports, plain, .bz2 or .gz; a path, or a gs:// or s3:// URL."""
    text_files: Path | None = None
    """Folder of text: .txt, .jsonl or .parquet, each plain, .gz, .bz2, .zst or .xz; a path, or a
    gs:// or s3:// URL."""
    given_dataset: Path | None = None
    """Dataset folder of an earlier run, which is passed on instead of making one."""
    given_vocabulary: Path | None = None
    """Existing vocab.txt, one word piece per line; a missing or empty file trains a vocabulary on
    the corpora."""

    initial_checkpoint: Path | None = None
    """Checkpoint folder that pretraining starts from: the dataset takes its vocabulary and case.
    Without one, the settings decide."""

    dataset: Path
    """Output: folder with dataset.json and the record shards of each sequence length; a path, or a
    gs:// or s3:// URL."""
    vocabulary: Path
    """Output: the vocab.txt of the dataset, given or trained."""

    text_documents: TextDocuments = "blank-line"
    """What a document is in plain text: a whole file, lines up to a blank-line, or each line;
    google is Google's input format, one sentence per line and a blank line between documents."""
    text_field: str = "text"
    """Field of JSON lines, or column of Parquet, that holds the text."""
    text_encoding: Rare[str] = "utf-8"
    """Encoding of plain text and JSON lines, by Python's name for it."""
    language: str = "en"
    """Code of the text's language, such as de. A dump names its own."""
    text_num_duplicates: int = 0
    """The num_duplicates of the text. Together they weight the corpora. 0 takes num_duplicates."""
    max_bad_rate: Rare[float] = 0.01
    """Maximum fraction of the text's records to skip because they can't be read."""
    # A wikitext has 2 MiB at most ($wgMaxArticleSize), a book about one.
    max_document_mb: Rare[float] = 8.0
    """Longest page of a dump or document of a text, in megabytes. Longer ones are counted and left
    out. Pages with their full history may need more, and as much memory many times over."""
    sequence_lengths: str = "128,512"
    """Tokens per row; one set of shards is written for each length."""
    format: Rare[Format] = PACKED
    """packed: rows of several sequences, masked while training. google: TFRecords of Google's
    create_pretraining_data.py, one padded and masked sequence per record."""
    mask_rate: Rare[float] = 0.15
    """For the google format: fraction of a sequence's tokens to mask and predict."""
    max_predictions: Rare[str] = ""
    """For the google format: maximum tokens to predict per sequence, one number for each of
    sequence_lengths. Empty takes mask_rate of the length, rounded up to a multiple of 20 (20 at
    128, 80 at 512)."""
    whole_word_masking: Rare[bool] = False
    """For the google format: mask all word pieces of a word or none."""
    vocabulary_size: int = 30522
    """Word pieces of a vocabulary trained on the corpora (BERT: 30522); a small corpus may give
    fewer."""
    lowercase: bool = True
    """Lowercase the text and strip accents (BERT uncased) or keep it as is (BERT cased). Scripts
    without case, such as Devanagari, always stay as they are."""
    sentence_splitter: Splitter = SENTENCEX
    """sentencex: Wikimedia's rules for the corpus's language. punkt: NLTK's Punkt, which learns
    abbreviations from the corpora and is slower."""
    short_sequence_rate: Rare[float] = 0.1
    """Fraction of the passes over a document that aim at a shorter sequence."""
    num_duplicates: int = 2
    """How many times each document is split and paired anew. Masks are drawn while training, so
    fewer are needed than the 5 to 10 of pipelines that store masks."""
    held_out_rate: float = 0.005
    """Fraction of the documents to hold out of training, chosen by a hash of their text. They get
    shards of their own, on which pretraining measures its loss. 0 holds out none."""
    num_shards: int = 4
    """Minimum number of files per sequence length; a large corpus gives more."""
    seed: int = 12345
    """Random seed. Equal seed, input, settings and versions give equal bytes."""
    num_workers: int = 0
    """Parallel Beam workers: processes of FnApiRunner (0: one per core), parallelism on Flink, or
    maximum workers on Dataflow (0: the service decides)."""
    beam_runner: str = "FnApiRunner"
    """Where Beam runs: FnApiRunner (on this machine), flink or dataflow."""
    flink_master: Rare[str] = "[local]"
    """host:port of a Flink cluster; [local] starts one on this machine for the run."""
    flink_version: Rare[str] = "1.20"
    """Flink version, which selects the job server that Beam downloads from Maven Central."""
    flink_job_server_jar: Rare[str] = ""
    """Path or URL of a Flink job server to use instead."""
    flink_worker_pool: Rare[str] = ""
    """host:port of the Beam worker pool next to each Flink task manager."""
    worker_image: Rare[str] = ""
    """Image of the preprocess stage in a registry, for workers on Dataflow or on Flink with
    Docker."""
    dataflow_project: Rare[str] = ""
    """Google Cloud project for Dataflow."""
    dataflow_region: Rare[str] = ""
    """Google Cloud region for Dataflow, such as europe-west4."""
    dataflow_temp_location: Rare[str] = ""
    """gs:// folder for Dataflow's staged and temporary files."""
    beam_options: Rare[str] = ""
    """Additional Beam options, written as on a command line; they override the other settings."""

    def __post_init__(self) -> None:
        """Reject settings that can't work.

        Raises:
            InputError: if one is out of its range.
        """
        super().__post_init__()
        self.lengths()
        expect_choices(self)
        if not 0 < self.mask_rate < 1:
            raise InputError(
                f"mask_rate must be between 0 and 1, got {self.mask_rate}; BERT uses 0.15"
            )
        self.predictions()
        if not 0 <= self.short_sequence_rate <= 1:
            raise InputError(
                f"short_sequence_rate must be between 0 and 1, got {self.short_sequence_rate}; "
                "BERT uses 0.1"
            )
        if not _MIN_VOCABULARY_SIZE <= self.vocabulary_size <= _MAX_VOCABULARY_SIZE:
            raise InputError(
                f"vocabulary_size must be from {_MIN_VOCABULARY_SIZE} to {_MAX_VOCABULARY_SIZE}, "
                f"got {self.vocabulary_size}; BERT uses 30522"
            )
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 <= self.held_out_rate < 1:
            raise InputError(
                f"held_out_rate must be 0 or more and below 1, got {self.held_out_rate}; 0.005 "
                "suits a large corpus"
            )
        if not 0 <= self.max_bad_rate <= 1:
            raise InputError(
                f"max_bad_rate must be between 0 and 1, got {self.max_bad_rate}; 0.01 suits most"
            )
        if not 0 < self.max_document_mb <= _MAX_DOCUMENT_MB:
            raise InputError(
                f"max_document_mb must be more than 0 and at most {_MAX_DOCUMENT_MB}, got "
                f"{self.max_document_mb}; 8 suits most"
            )
        self._expect_encoding()
        self.runner_name()

    def _expect_encoding(self) -> None:
        try:
            "a".encode(self.text_encoding)
        except (LookupError, ValueError, TypeError):
            raise InputError(
                f"text_encoding {self.text_encoding!r} is not known; most text is in utf-8, other "
                "names are utf-16, latin-1, cp1252, shift_jis or gb18030"
            ) from None

    def duplicates(self) -> tuple[int, int]:
        """How many times a document is paired, of the dump and of the text."""
        return self.num_duplicates, self.text_num_duplicates or self.num_duplicates

    def runner_name(self) -> str:
        """The runner by Beam's own name for it.

        Raises:
            InputError: if this stage does not know it to give the right dataset.
        """
        for name in RUNNERS:
            if self.beam_runner.lower() in (name.lower(), name.lower().removesuffix("runner")):
                return name
        raise InputError(
            f"beam_runner must be one of {', '.join(RUNNERS)}, got {self.beam_runner!r}"
        )

    def lengths(self) -> tuple[int, ...]:
        """The sequence lengths as numbers, ascending.

        Raises:
            InputError: if they are not whole numbers that a sequence pair fits in.
        """
        try:
            lengths = {int(part) for part in self.sequence_lengths.split(",")}
        except ValueError:
            raise InputError(
                "sequence_lengths must be whole numbers separated by commas, got "
                f"{self.sequence_lengths!r}; BERT uses 128,512"
            ) from None
        if min(lengths) < _MIN_LENGTH:
            raise InputError(
                f"sequence_lengths must be at least {_MIN_LENGTH} each, got "
                f"{self.sequence_lengths!r}: a row holds [CLS] A [SEP] B [SEP]"
            )
        if max(lengths) > _MAX_LENGTH:
            raise InputError(
                f"sequence_lengths must be at most {_MAX_LENGTH} each, got "
                f"{self.sequence_lengths!r}; a BERT has 512 positions"
            )
        return tuple(sorted(lengths))

    def predictions(self) -> dict[int, int]:
        """Most tokens to predict in a sequence, by sequence length.

        Raises:
            InputError: if they are not as many as the lengths, or not between 1 and each.
        """
        if not self.max_predictions:
            return {length: min(length, self._round_up(length)) for length in self.lengths()}
        try:
            values = [int(part) for part in self.max_predictions.split(",")]
            lengths = [int(part) for part in self.sequence_lengths.split(",")]
            length_to_predictions = dict(zip(lengths, values, strict=True))
        except ValueError:
            raise InputError(
                "max_predictions must be whole numbers separated by commas, as many as "
                f"sequence_lengths ({self.sequence_lengths}), got {self.max_predictions!r}; BERT "
                "uses 20 at 128 and 80 at 512"
            ) from None
        if any(not 1 <= value <= length for length, value in length_to_predictions.items()):
            raise InputError(
                f"max_predictions must be at least 1 and at most the sequence length, got "
                f"{self.max_predictions!r} for {self.sequence_lengths}"
            )
        return length_to_predictions

    def _round_up(self, length: int) -> int:
        return math.ceil(length * self.mask_rate / _PREDICTIONS_STEP) * _PREDICTIONS_STEP
