"""What ingest is given for sentence classification, and where it puts what it made sure of."""

from dataclasses import dataclass, replace
from pathlib import Path

from components.ingest.classification.glue import Columns, find_columns
from components.ingest.config import DownloadConfig, expect_given
from components.shared.bert.config import PRESETS
from components.shared.errors import InputError


@dataclass(frozen=True, kw_only=True)
class IngestClassificationConfig(DownloadConfig):
    """Fetch labelled sentences and a model to start from, and check that each is whole.

    Wherever a file is asked for, a path or an http(s)://, gs:// or s3:// address will do, and
    conditions may follow it, as in `https://…/train.tsv#sha256=<hex>`.
    """

    sentences: Path
    """Output: folder with the training set and each development set as JSON lines, and
    sentences.json with the labels."""
    given_checkpoint: Path
    """Output: the checkpoint to start from; without weights where none was given."""

    train: str
    """Sentences to train on: .tsv or .txt (tabs, no quotes, as GLUE's), .csv or .jsonl."""
    dev: str = ""
    """Sentences to evaluate on; several files, separated by commas, are scored one by one
    (MNLI's dev_matched.tsv,dev_mismatched.tsv). "" holds out every tenth row of train."""
    glue_task: str = ""
    """cola, sst-2, mrpc, mnli or rte: the columns of GLUE's files as published. "" is a table
    with a header and the columns sentence and label."""
    sentence_column: str = ""
    """Column of the sentence, by its name or its number from 1 up; "" is glue_task's."""
    second_sentence_column: str = ""
    """Column of the second sentence of a pair, likewise; "" is glue_task's, or none."""
    label_column: str = ""
    """Column of the label, likewise; "" is glue_task's."""
    has_header: bool = True
    """Whether the first line of a .tsv or .csv names the columns (CoLA's: never)."""
    positive_label: str = ""
    """Which of two labels precision, recall and F1 are of; "" is the second in the alphabet, of
    numbers the larger one."""

    initial_checkpoint: str = ""
    """Folder of this project's, of Google's or of Hugging Face's: path, gs:// or s3://
    address. "" starts from random weights."""
    vocabulary: str = ""
    """Without initial_checkpoint: vocab.txt with one word piece a line."""
    preset: str = "tiny"
    """Without initial_checkpoint: the size of the model: tiny, mini, small, medium, base or
    large (Google's)."""
    bert_config: str = ""
    """Without initial_checkpoint: path of a bert_config.json, or its JSON text, in place of a
    preset."""
    lowercase: bool = True
    """Without initial_checkpoint: whether text is lower-cased."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "train")
        find_columns(self.glue_task)
        if self.preset not in PRESETS:
            raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        if self.initial_checkpoint and self.vocabulary:
            raise InputError(
                "initial_checkpoint brings its own vocab.txt, under whose ids its weights mean "
                "something; leave vocabulary empty, or start from random weights"
            )
        if not self.initial_checkpoint and not self.vocabulary:
            raise InputError(
                "give an initial_checkpoint, or a vocabulary (vocab.txt) to start from random "
                "weights"
            )

    @property
    def columns(self) -> Columns:
        """Where sentences and labels stand."""
        columns = find_columns(self.glue_task)
        given = {
            "sentence": self.sentence_column,
            "second_sentence": self.second_sentence_column,
            "label": self.label_column,
        }
        return replace(
            columns,
            has_header=columns.has_header and self.has_header,
            **{name: column for name, column in given.items() if column},
        )
