"""The losses of what can be learned of a label: a class, a number, or an order."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_classifier_flops
from components.shared.bert.heads import ClassifierModel
from components.shared.classification.sentences import Row
from components.shared.classification.tasks import TaskKind

TARGETS = "targets"


class _Task:
    """BERT with as many outputs as there are labels."""

    def __init__(self, config: BertConfig, labels: Sequence[str], *, seed: int) -> None:
        self.model = ClassifierModel(config, num_labels=len(labels), seed=seed)
        self.model.build()
        self._labels = labels

    def flops(self, arrays: dict[str, Any]) -> int:
        num_rows, length = arrays["token_ids"].shape
        return count_classifier_flops(
            self.model.bert.config,
            num_rows=num_rows,
            length=length,
            num_labels=self.model.num_labels,
        )


class ClassificationTask(_Task):
    """One label of several for each sentence (Devlin et al. 2019, §4.1)."""

    loss = "label"

    def targets(self, rows: Sequence[Row]) -> np.ndarray:
        """Return the labels' ids: int32 [N]."""
        label_to_id = {label: id_ for id_, label in enumerate(self._labels)}
        return np.array([label_to_id[row.label] for row in rows], np.int32)

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Cross-entropies and right labels, summed over a micro-batch."""
        logits_BC, labels_B = self.model(arrays, training=True), arrays[TARGETS]
        losses_B = keras.losses.sparse_categorical_crossentropy(
            labels_B, logits_BC, from_logits=True
        )
        hits_B = ops.equal(ops.argmax(logits_BC, axis=-1), labels_B)
        return {
            f"{self.loss}_loss": ops.sum(losses_B),
            f"{self.loss}_accuracy": ops.sum(ops.cast(hits_B, "float32")),
        }


class RegressionTask(_Task):
    """A number for each sentence, as STS-B's; the loss is that of transformers' run_glue."""

    loss = "score"

    def targets(self, rows: Sequence[Row]) -> np.ndarray:
        """The numbers themselves: float32 [N]."""
        return np.array([row.value for row in rows], np.float32)

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Squared errors, summed over a micro-batch."""
        scores_B = self.model(arrays, training=True)[:, 0]
        return {f"{self.loss}_loss": ops.sum(ops.square(scores_B - arrays[TARGETS]))}


class RankingTask(_Task):
    """A relevance by which rows are ordered, as monoBERT's (Nogueira and Cho 2019).

    The loss is of each row by itself: batches hold rows of like length, shared among processes,
    and the rows of a group need not meet in one, as a loss over a group's rows would ask for.
    """

    loss = "relevance"

    def targets(self, rows: Sequence[Row]) -> np.ndarray:
        """Relevances as shares of the highest, above 0: float32 [N]."""
        values = np.array([row.value for row in rows], np.float32)
        return values / values.max()

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Binary cross-entropies, summed over a micro-batch."""
        logits_B, targets_B = self.model(arrays, training=True)[:, 0], arrays[TARGETS]
        return {f"{self.loss}_loss": ops.sum(ops.softplus(logits_B) - targets_B * logits_B)}


TASKS: Mapping[TaskKind, type[ClassificationTask | RegressionTask | RankingTask]] = {
    "classification": ClassificationTask,
    "regression": RegressionTask,
    "ranking": RankingTask,
}
