"""The settings of ingest for sentence classification."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from components.ingest.classification.glue import Columns, find_columns
from components.ingest.config import CheckpointConfig, expect_given
from components.shared.bert.config import Preset
from components.shared.errors import InputError
from components.shared.stage.settings import expect_choices


@dataclass(frozen=True, kw_only=True)
class IngestClassificationConfig(CheckpointConfig):
    """Fetch labeled sentences and an initial checkpoint, and verify each file.

    Every file may be a path or an http(s)://, gs:// or s3:// URL, followed by conditions that the
    file must meet: `https://…/train.tsv#sha256=<hex>`.
    """

    sentences: Path
    """Output: folder with the training set and each development set as JSON lines, and
    sentences.json with the labels."""
    given_checkpoint: Path
    """Output: the initial checkpoint; without weights if none was given."""

    train: str
    """Sentences to train on: .tsv or .txt (tab-separated without quotes, as GLUE's), .csv or
    .jsonl."""
    dev: str = ""
    """Sentences to evaluate on. Several files, separated by commas, are scored one by one (MNLI:
    dev_matched.tsv,dev_mismatched.tsv). Empty holds out a tenth of train, stratified by label."""
    glue_task: str = ""
    """GLUE task whose published column layout to use: cola, sst-2, mrpc, qqp, mnli, qnli, rte,
    wnli or sts-b. Empty expects a header with the columns sentence and label."""
    task: Literal["auto", "classification", "regression", "ranking"] = "auto"
    """What to learn from the label: classification (a class), regression (a number) or ranking (the
    relevance, 0 or more, by which the rows of a group are ordered). auto takes glue_task's task,
    else classification."""
    sentence_column: str = ""
    """Column of the sentence, by name or by number from 1. Empty uses glue_task's."""
    second_sentence_column: str = ""
    """Column of a pair's second sentence. Empty uses glue_task's, if any."""
    label_column: str = ""
    """Column of the label. Empty uses glue_task's."""
    group_column: str = ""
    """For a ranking: column that rows to be ranked together share, such as a user's or a query's
    id. Empty uses a column called group."""
    has_header: bool = True
    """Whether the first line of a .tsv or .csv names the columns (CoLA never has one)."""
    separator: str = ""
    """Field separator of .tsv, .txt and .csv files: one character, or the word tab. Empty uses a
    tab, or a comma in .csv."""
    encoding: str = ""
    """Text encoding of the files, such as cp1252 or gb18030. Empty reads it from the byte order
    mark, or assumes UTF-8."""
    seed: int = 12345
    """Random seed. Equal seed, input, settings and number of ranks give equal results."""
    positive_label: str = ""
    """Label whose precision, recall and F1 are reported, of two. Empty takes the second in the
    alphabet, or the larger number."""

    vocabulary: str = ""
    """Without initial_checkpoint: vocab.txt, one word piece per line."""
    preset: Preset = "tiny"
    """Without initial_checkpoint: model size, one of Google's."""
    bert_config: str = ""
    """Without initial_checkpoint: path of a bert_config.json, or its JSON text; overrides
    preset."""
    lowercase: bool = True
    """Without initial_checkpoint: lowercase the text and strip accents."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "train")
        find_columns(self.glue_task)
        expect_choices(self)
        if self.group_column and self.columns.task != "ranking":
            raise InputError(
                f"group_column {self.group_column!r}: a {self.columns.task} has no groups; leave "
                "it empty, or set task to ranking"
            )
        if self.positive_label and self.columns.task != "classification":
            raise InputError(
                f"positive_label {self.positive_label!r}: a {self.columns.task} has no labels, "
                "only numbers; leave it empty, or set task to classification"
            )
        self._expect_separator()
        self._expect_encoding()
        if self.initial_checkpoint and self.vocabulary:
            raise InputError(
                "initial_checkpoint brings its own vocabulary; leave vocabulary out, or leave "
                "initial_checkpoint out to start from random weights"
            )
        if not self.initial_checkpoint and not self.vocabulary:
            raise InputError(
                "give an initial_checkpoint, or a vocabulary (vocab.txt) to start from random "
                "weights"
            )

    def _expect_separator(self) -> None:
        if self.separator and (
            len(self.separator_character) != 1 or self.separator_character in '"\r\n'
        ):
            raise InputError(
                "separator must be one character, or the word tab, and no quotation mark, got "
                f"{self.separator!r}"
            )

    def _expect_encoding(self) -> None:
        try:
            "a".encode(self.encoding or "utf-8")
        except (LookupError, ValueError):  # `undefined` raises UnicodeError
            raise InputError(
                f"encoding {self.encoding!r} is unknown; give one such as utf-8, utf-16, cp1252, "
                "gb18030 or shift_jis"
            ) from None

    @property
    def separator_character(self) -> str:
        """The separator as it is in the files; "" if none is set."""
        return "\t" if self.separator in ("tab", "\\t") else self.separator

    @property
    def columns(self) -> Columns:
        """Where sentences and labels stand, and what the labels are for."""
        columns = find_columns(self.glue_task)
        task = columns.task if self.task == "auto" else self.task
        return replace(
            columns,
            sentence=self.sentence_column or columns.sentence,
            second_sentence=self.second_sentence_column or columns.second_sentence,
            label=self.label_column or columns.label,
            group=(self.group_column or "group") if task == "ranking" else "",
            has_header=columns.has_header and self.has_header,
            task=task,
            metric=columns.metric if task == columns.task else "",
        )
