"""A model's labels tell its task."""

import pytest

from components.shared.classification.tasks import find_task


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (("no", "yes"), "classification"),
        (("relevance", "score"), "classification"),
        (("score",), "regression"),
        (("relevance",), "ranking"),
        (("LABEL_0",), "regression"),  # a regression of transformers'
    ],
)
def test_the_task_is_told_by_the_labels(labels, task):
    """As a checkpoint or transformers' config.json has them."""
    assert find_task(labels) == task
