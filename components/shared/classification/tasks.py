"""The tasks that a label can be learnt for, and how a model's labels tell which is its own."""

from collections.abc import Mapping, Sequence
from typing import Literal

TaskKind = Literal["classification", "regression"]

NUMBER_LABELS: Mapping[str, str] = {"regression": "score"}
"""The name of a model's only output, where the task is to give a number."""
DEFAULT_METRICS: Mapping[str, str] = {"classification": "accuracy", "regression": "pearson"}
"""The score that the best of several models is chosen by."""


def find_task(labels: Sequence[str]) -> TaskKind:
    """The task of a model with these labels: two or more are classes, one is a number.

    transformers takes a model with one label for a regression, too.
    """
    return "classification" if len(labels) > 1 else "regression"
