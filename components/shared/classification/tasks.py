"""The tasks that a label can be learned for, and how a model's labels tell which is its own."""

from collections.abc import Mapping, Sequence
from typing import Literal

TaskKind = Literal["classification", "regression", "ranking"]

NUMBER_LABELS: Mapping[str, str] = {"regression": "score", "ranking": "relevance"}
"""The name of a model's only output, where the task is to give a number."""


def find_task(labels: Sequence[str]) -> TaskKind:
    """The task of a model with these labels: two or more are classes, one is a number.

    transformers takes a model with one label for a regression, whatever it is called.
    """
    if len(labels) > 1:
        return "classification"
    return "ranking" if labels[0] == NUMBER_LABELS["ranking"] else "regression"
