"""What the preprocess stage is given, and where it puts what it makes."""

import math
from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError

PACKED, GOOGLE = "packed", "google"
FORMATS = (PACKED, GOOGLE)
SENTENCEX, PUNKT = "sentencex", "punkt"
SPLITTERS = (SENTENCEX, PUNKT)

# [CLS] A [SEP] B [SEP] with a piece each for A and B.
_MIN_LENGTH = 5
_MIN_VOCABULARY_SIZE = 100
_PREDICTIONS_STEP = 20

# The one on this machine, and those that run elsewhere, by Beam's names.
EMBEDDED, FLINK, DATAFLOW = RUNNERS = ("FnApiRunner", "FlinkRunner", "DataflowRunner")


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """Turn a Wikipedia dump into rows of sentence pairs, as BERT is pretrained on."""

    dump_files: Path
    """Folder with the dump: one or more MediaWiki XML exports, plain, .bz2 or .gz; on a disk, or
    gs://… or s3://…"""
    given_vocabulary: Path | None = None
    """vocab.txt with one word piece a line; none or an empty file has one trained on the
    dump."""

    dataset: Path
    """Output: folder with the shards of each sequence length, and dataset.json; on a disk, or
    gs://… or s3://…"""
    vocabulary: Path
    """Output: the vocab.txt of the dataset, given or trained."""

    sequence_lengths: str = "128,512"
    """Tokens of a row, one dataset for each, separated by commas."""
    format: str = PACKED
    """packed: rows of several sequences, masked while training; google: the TFRecords of
    Google's create_pretraining_data.py, one padded and masked sequence each."""
    mask_rate: float = 0.15
    """google format: share of a sequence's tokens to predict."""
    max_predictions: str = ""
    """google format: most tokens to predict in a sequence, one number for each of
    sequence_lengths; empty takes mask_rate of the length, rounded up to a multiple of 20
    (20 at 128, 80 at 512)."""
    whole_word_masking: bool = False
    """google format: mask all pieces of a word or none."""
    vocabulary_size: int = 30522
    """Word pieces of a vocabulary that is trained; a small dump may give fewer."""
    lowercase: bool = True
    """Lower case without accents (BERT uncased), or text as it is (BERT cased). The text of a
    language whose script has no case, such as Hindi or Japanese, always stays as it is."""
    sentence_splitter: str = SENTENCEX
    """sentencex: Wikimedia's rules for the dump's language; punkt: NLTK's Punkt, which
    learns abbreviations from the dump (slower)."""
    short_sequence_rate: float = 0.1
    """Share of passes over a document that aim at a shorter sequence, 0 to 1."""
    num_duplicates: int = 2
    """How often each document is cut and paired anew. Masks are drawn while training, so
    fewer are needed than the 5 to 10 of pipelines that store them."""
    num_shards: int = 4
    """Least number of files for each sequence length; a large dump gives more."""
    seed: int = 12345
    """Equal seed, input, settings and versions give equal bytes."""
    num_workers: int = 0
    """Processes of the embedded runner, parallelism on Flink, most workers on Dataflow; 0 is
    one for each core of this machine, and elsewhere what the service decides."""
    beam_runner: str = "FnApiRunner"
    """Where Beam runs: FnApiRunner (on this machine), flink, dataflow."""
    flink_master: str = "[local]"
    """host:port of a Flink cluster; [local] starts one on this machine for the run."""
    flink_version: str = "1.20"
    """Flink's version, which decides on the job server that Beam fetches from Maven Central."""
    flink_job_server_jar: str = ""
    """Path or address of a job server to use instead."""
    flink_worker_pool: str = ""
    """host:port of Beam's worker pool beside each of Flink's task managers."""
    worker_image: str = ""
    """Image of this stage in a registry, which workers on Dataflow, or Flink's with Docker, run."""
    dataflow_project: str = ""
    """Dataflow: Google Cloud's project."""
    dataflow_region: str = ""
    """Dataflow: its region, such as europe-west4."""
    dataflow_temp_location: str = ""
    """Dataflow: a gs:// folder for what it stages and keeps while it runs."""
    use_object_store: bool = False
    """Whether the dump is read and the dataset written in the store itself that /gcs/, /s3/ or
    /minio/ stands for, past Kubeflow's copies. Workers on other machines always do."""
    beam_options: str = ""
    """Further options for Beam, as on a shell's command line; they win over the others."""

    def __post_init__(self) -> None:
        """Refuse settings that can't work.

        Raises:
            InputError: if one is out of its range.
        """
        self.lengths()
        if self.format not in FORMATS:
            raise InputError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}")
        if self.sentence_splitter not in SPLITTERS:
            raise InputError(
                f"sentence_splitter must be one of {', '.join(SPLITTERS)}, got "
                f"{self.sentence_splitter!r}"
            )
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
        if self.vocabulary_size < _MIN_VOCABULARY_SIZE:
            raise InputError(
                f"vocabulary_size must be at least {_MIN_VOCABULARY_SIZE}, got "
                f"{self.vocabulary_size}; BERT uses 30522"
            )
        for name, least in (("num_duplicates", 1), ("num_shards", 1), ("num_workers", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        self.runner_name()

    def runner_name(self) -> str:
        """The runner by Beam's own name for it.

        Raises:
            InputError: if it is none that this stage knows to give the right dataset.
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
