"""The scores that each task is measured by, and what people call them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskScores:
    """The scores of a task; the higher, the better."""

    main: str
    """Chooses among models, unless an evaluation's `metric` names another."""
    labels: Mapping[str, str]
    """What people call each score, in the order of tables."""


QUESTION_ANSWERING = "question answering"
TASK_TO_SCORES: Mapping[str, TaskScores] = {
    QUESTION_ANSWERING: TaskScores(
        main="f1",
        # SQuAD's official scripts call it `exact_match` for version 1.1, `exact` for 2.0.
        labels={"exact": "exact match", "exact_match": "exact match", "f1": "F1"},
    ),
    "classification": TaskScores(
        main="accuracy",
        labels={
            "accuracy": "accuracy",
            "f1": "F1",
            "macro_f1": "macro F1",
            "matthews_correlation": "Matthews correlation",
        },
    ),
    "regression": TaskScores(
        main="pearson",
        labels={"pearson": "Pearson correlation", "spearman": "Spearman correlation"},
    ),
    "ranking": TaskScores(
        main="ndcg_at_10",
        labels={"mrr": "MRR", "ndcg_at_10": "NDCG@10", "recall_at_10": "recall@10"},
    ),
}
SCORE_LABELS: Mapping[str, str] = {
    name: label for task in TASK_TO_SCORES.values() for name, label in task.labels.items()
}
"""What people call the scores of all tasks."""
RUNS_MARK = "<!-- runs -->"
"""Where the choice among models adds the scores of them all to the report of one."""


def find_main_score(measured: Iterable[str]) -> str:
    """Return the main score of the task that these scores measure; "" if they measure none."""
    names = {*measured}
    # Backwards: a classifier may have an F1 too, but SQuAD has no accuracy.
    tasks = reversed([*TASK_TO_SCORES.values()])
    return next((task.main for task in tasks if task.main in names), "")
