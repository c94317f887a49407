"""The loss of choosing a label."""

from typing import Any

import keras
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_classifier_flops
from components.shared.bert.heads import ClassifierModel

LOSS = "label"


class ClassificationTask:
    """One label of several for each sentence (Devlin et al. 2019, §4.1)."""

    def __init__(self, config: BertConfig, *, num_labels: int, seed: int) -> None:
        self.model = ClassifierModel(config, num_labels=num_labels, seed=seed)
        self.model.build()

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Cross-entropies and right labels, summed over a micro-batch."""
        logits_BC, labels_B = self.model(arrays, training=True), arrays["label_ids"]
        losses_B = keras.losses.sparse_categorical_crossentropy(
            labels_B, logits_BC, from_logits=True
        )
        hits_B = ops.equal(ops.argmax(logits_BC, axis=-1), labels_B)
        return {
            f"{LOSS}_loss": ops.sum(losses_B),
            f"{LOSS}_accuracy": ops.sum(ops.cast(hits_B, "float32")),
        }

    def flops(self, arrays: dict[str, Any]) -> int:
        """Floating-point operations of a micro-batch, forward and backward."""
        num_rows, length = arrays["token_ids"].shape
        return count_classifier_flops(
            self.model.bert.config,
            num_rows=num_rows,
            length=length,
            num_labels=self.model.num_labels,
        )
