"""A development set is held out of the training set, label by label."""

from collections import Counter

import pytest

from components.ingest.classification.held_out import hold_out
from components.ingest.classification.tables import Line
from components.shared.classification.sentences import Row
from components.shared.errors import InputError


def _lines(labels: str) -> list[Line]:
    return [
        Line(number, Row(f"text {number}", None, label))
        for number, label in enumerate(labels, start=1)
    ]


def _labels(lines: list[Line]) -> dict[str, int]:
    return dict(Counter(line.row.label for line in lines))


@pytest.mark.parametrize(
    ("labels", "held_out"),
    [
        ("ab" * 50, {"a": 5, "b": 5}),  # every tenth row is a "b"
        ("a" * 90 + "b" * 10, {"a": 9, "b": 1}),
        ("a" * 95 + "b" * 5, {"a": 9, "b": 1}),  # 9.5 and 0.5: the rarer label gets the row
        ("a" * 19 + "b", {"a": 2}),  # the only "b" is trained on
        ("ab" * 5, {"a": 1}),
    ],
)
def test_the_labels_have_the_same_proportions_in_both_sets(labels, held_out):
    """A tenth of the rows, and of each label as nearly as can be."""
    lines = _lines(labels)

    kept, dev = hold_out(lines, seed=0, source="x.tsv")

    assert _labels(dev) == held_out
    assert sorted(kept + dev) == lines
    assert kept == sorted(kept)


def test_the_seed_chooses_the_rows():
    """Equal seeds choose the same."""
    lines = _lines("ab" * 500)

    first, again, other = (hold_out(lines, seed=seed, source="x")[1] for seed in (1, 1, 2))

    assert first == again != other
    numbers = [line.number for line in first]
    assert numbers != list(range(10, 1001, 10))
    assert len({number % 10 for number in numbers}) == 10


def test_numbers_are_held_out_whatever_their_value():
    """Each value occurs once; of labels, none could be spared."""
    lines = [Line(number, Row("x", None, str(number / 10))) for number in range(100)]

    kept, dev = hold_out(lines, seed=0, source="x.tsv", task="regression")

    assert (len(kept), len(dev)) == (90, 10)
    assert sorted(kept + dev) == lines


def test_groups_are_held_out_whole():
    """In proportion: nine of ten groups have a relevant row."""
    rows = [
        Row(f"{item}", None, str(int(item == 1 and group % 10 > 0)), f"user {group}")
        for item in range(3)
        for group in range(100)
    ]
    lines = [Line(number, row) for number, row in enumerate(rows)]

    kept, dev = hold_out(lines, seed=0, source="x.tsv", task="ranking")

    groups = {line.row.group for line in dev}
    assert len(groups) == 10
    assert groups.isdisjoint({line.row.group for line in kept})
    assert len(dev) == 30
    assert sum(line.row.value for line in dev) == 9


def test_too_few_groups_are_rejected():
    """Of nine groups no tenth can be held out, however many rows they have."""
    lines = [Line(n, Row("x", None, "1", f"{n % 9}")) for n in range(90)]

    with pytest.raises(InputError, match="x.tsv: 9 groups, too few to hold a tenth out"):
        hold_out(lines, seed=0, source="x.tsv", task="ranking")


def test_too_few_rows_are_rejected():
    """Of nine rows no tenth can be held out."""
    with pytest.raises(InputError, match="x.tsv: 9 rows, too few to hold a tenth out"):
        hold_out(_lines("a" * 4 + "b" * 5), seed=0, source="x.tsv")
