"""The scores of each task."""

from typing import get_args

import pytest

from components.shared.classification.tasks import TaskKind
from components.shared.reports.score_names import (
    QUESTION_ANSWERING,
    SCORE_LABELS,
    TASK_TO_SCORES,
    find_main_score,
)


def test_each_task_has_its_scores():
    """Whatever a model can be trained for."""
    assert {*TASK_TO_SCORES} == {QUESTION_ANSWERING, *get_args(TaskKind)}


@pytest.mark.parametrize("task", TASK_TO_SCORES)
def test_the_main_score_is_one_of_the_task(task):
    """So that it has a label, too."""
    assert TASK_TO_SCORES[task].main in TASK_TO_SCORES[task].labels


def test_a_score_has_one_label():
    """F1 is a score of two tasks, with one name."""
    for task in TASK_TO_SCORES.values():
        assert {name: SCORE_LABELS[name] for name in task.labels} == task.labels


@pytest.mark.parametrize(
    ("measured", "main"),
    [
        (("exact", "f1", "total"), "f1"),
        (("exact_match", "f1"), "f1"),
        (("accuracy", "f1", "macro_f1", "matthews_correlation"), "accuracy"),
        (("pearson", "spearman", "root_mean_squared_error"), "pearson"),
        (("groups", "mrr", "ndcg_at_10", "recall_at_5"), "ndcg_at_10"),
        (("train_loss",), ""),
    ],
)
def test_the_main_score_is_found_among_those_measured(measured, main):
    """Of both versions of SQuAD, of a classifier that has an F1 too, and of no task at all."""
    assert find_main_score(measured) == main
