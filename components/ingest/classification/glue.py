"""Where sentences and labels stand in a file, and where they do in the files of GLUE.

The presets are those of the files as gluebenchmark.com publishes them, which Google's
run_classifier.py and the readers of GLUE-baselines and transformers read, and of MRPC's as
Microsoft does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from components.shared.classification.tasks import TaskKind
from components.shared.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Each by the name in the header, or by its number from 1, and what the label is for."""

    sentence: str = "sentence"
    second_sentence: str = ""
    """"" where the task is one of single sentences."""
    label: str = "label"
    group: str = ""
    """"" where the task is not a ranking."""
    has_header: bool = True
    no_label: str = ""
    """A label that says that there is none; such rows are left out."""
    known_labels: tuple[str, ...] = ()
    """Where a published file has broken lines: its labels. Rows cut short and rows with another
    label are left out, and counted; without it they are errors."""
    task: TaskKind = "classification"
    metric: str = ""
    """The score that GLUE ranks models by; "" is the task's usual one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The sentences' columns, the group's, and last the label's."""
        return tuple(filter(None, (self.sentence, self.second_sentence, self.group, self.label)))


GLUE_TASKS: Mapping[str, Columns] = {
    # Source, label, the author's mark, sentence.
    "cola": Columns(sentence="4", label="2", has_header=False, metric="matthews_correlation"),
    "sst-2": Columns(sentence="sentence", label="label"),
    "mrpc": Columns(
        sentence="#1 String", second_sentence="#2 String", label="Quality", metric="f1"
    ),
    # Annotators of a row labeled "-" did not agree.
    "mnli": Columns(
        sentence="sentence1", second_sentence="sentence2", label="gold_label", no_label="-"
    ),
    "rte": Columns(sentence="sentence1", second_sentence="sentence2", label="label"),
    # Some questions of QQP hold a line's end, which cuts their row in two; GLUE's own reader
    # leaves both parts out, as it does any row of QNLI that has no label.
    "qqp": Columns(
        sentence="question1",
        second_sentence="question2",
        label="is_duplicate",
        known_labels=("0", "1"),
        metric="f1",
    ),
    "qnli": Columns(
        sentence="question",
        second_sentence="sentence",
        label="label",
        known_labels=("entailment", "not_entailment"),
    ),
    "wnli": Columns(sentence="sentence1", second_sentence="sentence2", label="label"),
    # How alike two sentences are, 0 to 5.
    "sts-b": Columns(
        sentence="sentence1", second_sentence="sentence2", label="score", task="regression"
    ),
}


def find_columns(glue_task: str) -> Columns:
    """The preset of a task of GLUE; of "", a table with the columns sentence and label.

    Raises:
        InputError: if it is none of those known.
    """
    if not glue_task:
        return Columns()
    if glue_task not in GLUE_TASKS:
        raise InputError(
            f"glue_task must be one of {', '.join(GLUE_TASKS)}, or empty for a table of your own, "
            f"got {glue_task!r}"
        )
    return GLUE_TASKS[glue_task]
