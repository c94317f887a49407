"""Labels have an order, and what no classifier can learn is refused."""

import pytest

from components.ingest.classification.labels import (
    choose_positive,
    expect_known,
    expect_numbers,
    expect_relevances,
    find_labels,
)
from components.ingest.classification.tables import Line
from components.shared.classification.sentences import Row
from components.shared.errors import InputError


def make_lines(*labels: str) -> list[Line]:
    return [Line(number, Row("x", None, label)) for number, label in enumerate(labels, start=2)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("entailment", "neutral", "contradiction"), ["contradiction", "entailment", "neutral"]),
        (("10", "9", "-1"), ["-1", "9", "10"]),
        (("10", "9", "x"), ["10", "9", "x"]),
        (("1.0", "0.0"), ["0.0", "1.0"]),
        (("2020-01-01", "1.2.3"), ["1.2.3", "2020-01-01"]),
        (("🙂", "שלום"), ["שלום", "🙂"]),
    ],
)
def test_labels_are_in_order(labels, expected):
    """Numbers by their value, as GLUE's 0 and 1; others by the alphabet, as Google's lists."""
    assert find_labels(make_lines(*labels, *labels), "train.tsv") == expected


REFUSED = {
    "one class": (
        ("a", "a"),
        "train.tsv: all 2 rows have the label 'a'; a classifier needs at least two",
    ),
    "scores": (("5.000", "3.800"), "the label '3.800' is a number with a fraction, not a class"),
    "too many": (map(str, range(1001)), "1001 labels in 1001 rows, more than 1000"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_classifier_learns_is_rejected(kind):
    """With what the file has."""
    labels, message = REFUSED[kind]

    with pytest.raises(InputError) as error:
        find_labels(make_lines(*labels), "train.tsv")

    assert message in str(error.value)


def test_a_label_never_seen_in_training_is_rejected():
    """The first line that has it."""
    with pytest.raises(InputError) as error:
        expect_known(make_lines("a", "c", "d"), ["a", "b"], "dev.tsv")

    assert str(error.value) == (
        "dev.tsv, line 3: the label 'c' never occurs in the training set, which has 'a', 'b'; no "
        "model can have learned it"
    )


@pytest.mark.parametrize("label", ["5", "-0.250", "1e-3", "+2."])
def test_numbers_are_what_regression_learns(label):
    """As files write them."""
    expect_numbers(make_lines("0", label), "train.tsv")


@pytest.mark.parametrize("label", ["high", "1,5", "nan", "-inf", "1_000", "1e999", "0x10", "true"])
def test_a_label_that_is_no_finite_number_is_rejected(label):
    """By its line."""
    with pytest.raises(InputError) as error:
        expect_numbers(make_lines("0", label), "train.tsv")

    assert str(error.value) == (
        f"train.tsv, line 3: the label {label!r} is not a number such as 3.8, which regression "
        "needs; is label_column the right one?"
    )


def test_equal_numbers_are_rejected():
    """They correlate with nothing, however they are written."""
    with pytest.raises(InputError, match=r"all 2 rows have the label '2.0', so no correlation"):
        expect_numbers(make_lines("2.0", "2"), "dev.tsv")


@pytest.mark.parametrize("label", ["yes", "-1", "31.5", "nan"])
def test_a_label_that_is_no_relevance_is_rejected(label):
    """By its line."""
    expect_relevances(make_lines("0", "31", "0.5"), "train.tsv")

    with pytest.raises(
        InputError, match=f"train.tsv, line 3: the label '{label}' is not a relevance"
    ):
        expect_relevances(make_lines("1", label), "train.tsv")


def test_rows_of_which_none_is_relevant_are_rejected():
    """No order of them is right."""
    with pytest.raises(InputError, match="none of 2 rows has a relevance above 0"):
        expect_relevances(make_lines("0", "0.0"), "dev.tsv")


def test_the_second_of_two_labels_is_positive():
    """As GLUE's 1 is, unless another is asked for; of three labels none."""
    assert choose_positive(["0", "1"], "") == "1"
    assert choose_positive(["0", "1"], "0") == "0"
    assert choose_positive(["a", "b", "c"], "") == ""


@pytest.mark.parametrize(("labels", "wanted"), [(["a", "b"], "c"), (["a", "b", "c"], "a")])
def test_a_positive_label_that_makes_no_sense_is_rejected(labels, wanted):
    """Unknown, or one of three."""
    with pytest.raises(InputError, match="positive_label"):
        choose_positive(labels, wanted)
