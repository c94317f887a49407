"""The loss of pointing at an answer's first and last word piece."""

from typing import Any

import keras
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_span_flops
from components.shared.bert.heads import SpanModel

_MASKED_SCORE = -10000.0


class SpanTask:
    """Answer spans (Devlin et al. 2019, §4.2): the mean of the start's and the end's loss."""

    def __init__(self, config: BertConfig, *, seed: int, has_pooler: bool = True) -> None:
        self.model = SpanModel(config, seed=seed, has_pooler=has_pooler)
        self.model.build()

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Cross-entropies and wholly right spans, summed over a micro-batch."""
        start_logits_BL, end_logits_BL = self.model(arrays, training=True)
        # Padding can't be an answer; without this the loss would depend on its amount.
        padding_BL = ops.cast(ops.equal(arrays["token_ids"], 0), "float32") * _MASKED_SCORE
        start_loss, start_hits_B = _score(start_logits_BL + padding_BL, arrays["start_positions"])
        end_loss, end_hits_B = _score(end_logits_BL + padding_BL, arrays["end_positions"])
        return {
            "span_loss": (start_loss + end_loss) / 2,
            "span_accuracy": ops.sum(start_hits_B * end_hits_B),
        }

    def flops(self, arrays: dict[str, Any]) -> int:
        """Floating-point operations of a micro-batch, forward and backward."""
        num_rows, length = arrays["token_ids"].shape
        return count_span_flops(self.model.bert.config, num_rows=num_rows, length=length)


def _score(logits_BL: Any, targets_B: Any) -> tuple[Any, Any]:
    losses_B = keras.losses.sparse_categorical_crossentropy(targets_B, logits_BL, from_logits=True)
    hits_B = ops.cast(ops.equal(ops.argmax(logits_BL, axis=-1), targets_B), "float32")
    return ops.sum(losses_B), hits_B
