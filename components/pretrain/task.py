"""Pretraining's two losses (Devlin et al. 2019, §3.1)."""

from typing import Any

import keras
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_pretraining_flops
from components.shared.bert.heads import PretrainingModel


class PretrainingTask:
    """Masked language modeling and next-sentence prediction."""

    def __init__(self, config: BertConfig, *, seed: int) -> None:
        self.model = PretrainingModel(config, seed=seed)
        self.model.build()

    def sums(self, arrays: dict[str, Any], *, training: bool = True) -> dict[str, Any]:
        """Cross-entropies and right predictions, summed over a micro-batch.

        Args:
            arrays: the micro-batch's.
            training: whether dropout is on.
        """
        piece_logits_MV, next_logits_K2 = self.model(arrays, training=training)
        masked_lm_loss, masked_lm_right = _score(
            piece_logits_MV, arrays["masked_ids"], arrays["masked_weights"]
        )
        next_loss, next_right = _score(
            next_logits_K2, arrays["next_sentence_labels"], arrays["next_sentence_weights"]
        )
        return {
            "masked_lm_loss": masked_lm_loss,
            "masked_lm_accuracy": masked_lm_right,
            "next_sentence_loss": next_loss,
            "next_sentence_accuracy": next_right,
        }

    def flops(self, arrays: dict[str, Any]) -> int:
        """Floating-point operations of a micro-batch, forward and backward."""
        num_rows, length = arrays["token_ids"].shape
        return count_pretraining_flops(
            self.model.bert.config,
            num_rows=num_rows,
            length=length,
            num_masked=arrays["masked_positions"].size,
            num_sequences=arrays["cls_positions"].size,
        )


def _score(logits_NC: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
    """Weighted sums of cross-entropies and of hits: N items, C classes."""
    targets_N, weights_N = ops.reshape(targets, (-1,)), ops.reshape(weights, (-1,))
    losses_N = keras.losses.sparse_categorical_crossentropy(targets_N, logits_NC, from_logits=True)
    hits_N = ops.cast(ops.equal(ops.argmax(logits_NC, axis=-1), targets_N), "float32")
    return ops.sum(losses_N * weights_N), ops.sum(hits_N * weights_N)
