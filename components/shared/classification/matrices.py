"""A confusion matrix for the Kubeflow UI."""

from collections.abc import Mapping
from typing import Any

# A matrix of more labels is nothing that a person reads.
MOST_LABELS_SHOWN = 50


def show_matrix(name_to_matrix: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first set's matrix as the UI draws it; {} if it can't draw it.

    Args:
        name_to_matrix: of each development set, as kfp.dsl.ClassificationMetrics logs it.
    """
    first = next(iter(name_to_matrix.values()), None)
    if first is None or len(first["rows"]) > MOST_LABELS_SHOWN:
        return {}
    return {"confusionMatrix": first}
