"""Masked sequences as Google's trainers read them: padded to one length."""

from components.preprocess.masks import Masked
from components.preprocess.pairs import Pair
from components.shared.instances import Instance


def pad_instance(masked: Masked, pair: Pair, *, length: int, max_predictions: int) -> Instance:
    """The instance of a pair's masked tokens, S = length and P = max_predictions."""
    padding = [0] * (length - len(masked.token_ids))
    first = pair.first.end - pair.first.start + 2  # with [CLS] and [SEP]
    second = len(masked.token_ids) - first
    unused = [0] * (max_predictions - len(masked.positions))
    return Instance(
        input_ids=masked.token_ids + padding,
        input_mask=[1] * (first + second) + padding,
        segment_ids=[0] * first + [1] * second + padding,
        masked_lm_positions=masked.positions + unused,
        masked_lm_ids=masked.targets + unused,
        masked_lm_weights=[1.0] * len(masked.positions) + [0.0] * len(unused),
        next_sentence_labels=[pair.label],
    )
