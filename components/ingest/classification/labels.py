"""The labels of a training set, and whether others know them too."""

import math
from collections.abc import Sequence

from components.ingest.classification.tables import Line, name_label
from components.shared.errors import InputError

# More are a column of something else.
_MOST_LABELS = 1000
_NUM_SHOWN = 5
# NDCG's gain doubles with each; XGBoost's limit, too.
_HIGHEST_RELEVANCE = 31


def find_labels(lines: Sequence[Line], source: str) -> list[str]:
    """The labels in the order of their ids: numbers by their value, all others by the alphabet.

    Args:
        lines: the training set.
        source: how messages call it.

    Raises:
        InputError: if there is only one, or they are scores, or no labels at all.
    """
    labels = {line.row.label for line in lines}
    if len(labels) == 1:
        raise InputError(
            f"{source}: all {len(lines)} rows have the label {labels.pop()!r}; a classifier needs "
            "at least two different labels"
        )
    if any(_is_fraction(label) for label in labels):
        shown = next(label for label in sorted(labels) if _is_fraction(label))
        raise InputError(
            f"{source}: the label {shown!r} is a number with a fraction, not a class; set task to "
            "regression to learn numbers, or correct label_column"
        )
    if len(labels) > _MOST_LABELS:
        raise InputError(
            f"{source}: {len(labels)} labels in {len(lines)} rows, more than {_MOST_LABELS}; "
            "is label_column the right one?"
        )
    if all(_is_whole(label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)


def expect_known(lines: Sequence[Line], labels: Sequence[str], source: str) -> None:
    """Compare the labels of a development set with those of the training set.

    Raises:
        InputError: naming the first line with another one.
    """
    known = set(labels)
    for line in lines:
        if line.row.label not in known:
            some = ", ".join(map(repr, labels[:_NUM_SHOWN]))
            more = ", …" if len(labels) > _NUM_SHOWN else ""
            raise InputError(
                f"{source}, line {line.number}: the label {line.row.label!r} never occurs in the "
                f"training set, which has {some}{more}; no model can have learned it"
            )


def expect_numbers(lines: Sequence[Line], source: str) -> None:
    """Compare labels that a regression learns, or is scored by, with what it can.

    Raises:
        InputError: naming the first line with a label that is not a number, or if all are equal.
    """
    for line in lines:
        if not _is_number(line.row.label):
            raise InputError(
                f"{source}, line {line.number}: the label {line.row.label!r} is not a number such "
                "as 3.8, which regression needs; is label_column the right one?"
            )
    if len({line.row.value for line in lines}) == 1:
        raise InputError(
            f"{source}: all {len(lines)} rows have the label {lines[0].row.label!r}, so no "
            "correlation is defined; is label_column the right one?"
        )


def expect_relevances(lines: Sequence[Line], source: str) -> None:
    """Compare labels that a ranking learns, or is scored by, with what it can.

    Raises:
        InputError: naming the first line with a label that is not a relevance, or if no row is
            relevant.
    """
    for line in lines:
        if not _is_number(line.row.label) or not 0 <= line.row.value <= _HIGHEST_RELEVANCE:
            raise InputError(
                f"{source}, line {line.number}: the label {line.row.label!r} is not a relevance, a "
                f"number from 0 to {_HIGHEST_RELEVANCE}, which ranking needs; is label_column the "
                "right one?"
            )
    if not any(line.row.value for line in lines):
        raise InputError(
            f"{source}: none of {len(lines)} rows has a relevance above 0; ranking needs at least "
            "one; is label_column the right one?"
        )


def choose_positive(labels: Sequence[str], positive_label: str) -> str:
    """Which of two labels F1 is of: the one asked for, else the second; "" of more labels.

    Raises:
        InputError: if the one asked for is not among them, or there are more than two.
    """
    positive_label = name_label(positive_label)
    if positive_label and positive_label not in labels:
        raise InputError(
            f"positive_label must be one of {', '.join(labels)}, got {positive_label!r}"
        )
    if positive_label and len(labels) > 2:
        raise InputError(
            f"positive_label {positive_label!r} needs a task with two labels, and this one has "
            f"{len(labels)}; leave it empty, and read macro_f1"
        )
    return positive_label or (labels[1] if len(labels) == 2 else "")


def _is_number(label: str) -> bool:
    """Whether a label is a finite number, as files write it; 1_000, which Python reads, is not."""
    try:
        return math.isfinite(float(label)) and "_" not in label
    except ValueError:
        return False


def _is_whole(label: str) -> bool:
    return label.isascii() and label.removeprefix("-").isdecimal()


def _is_fraction(label: str) -> bool:
    """Whether a label is a number that is not whole."""
    whole, point, digits = label.removeprefix("-").partition(".")
    is_number = bool(point) and f"{whole}{digits}".isdecimal()
    return is_number and bool(digits.strip("0"))
