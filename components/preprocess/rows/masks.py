"""Masks drawn beforehand, for Google's records, by components/shared/tokens/masking_rule.py."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from components.shared.dataset.google_records import Instance
from components.shared.tokens.masking_rule import (
    KEEP_SHARE_OF_OTHERS,
    MASK_SHARE,
    count_chosen,
    list_words,
)
from components.shared.tokens.vocabulary import Vocabulary


class Masked(NamedTuple):
    """A sequence with some tokens hidden."""

    token_ids: list[int]
    positions: list[int]
    """Ascending."""
    targets: list[int]
    """The ids that stood at the positions."""


def mask_sequence(
    token_ids: Sequence[int],
    *,
    vocabulary: Vocabulary,
    mask_rate: float,
    max_predictions: int,
    whole_word_masking: bool,
    rng: Random,
) -> Masked:
    """Hide some tokens of a sequence.

    Args:
        token_ids: `[CLS] A [SEP] B [SEP]`, without padding.
        vocabulary: supplies the special ids, and the pieces drawn at random.
        mask_rate: share of all tokens to choose.
        max_predictions: most tokens to choose.
        whole_word_masking: choose all pieces of a word or none.
        rng: the only source of chance.
    """
    words = list_words(token_ids, vocabulary)
    if not whole_word_masking:
        words = [[place] for word in words for place in word]
    rng.shuffle(words)
    num_wanted = min(max_predictions, count_chosen(len(token_ids), mask_rate))
    chosen: list[int] = []
    for word in words:
        if len(chosen) + len(word) <= num_wanted:
            chosen += word
        if len(chosen) == num_wanted:
            break
    hidden = list(token_ids)
    for place in chosen:
        hidden[place] = _replace(token_ids[place], vocabulary, rng)
    chosen.sort()
    return Masked(hidden, chosen, [token_ids[place] for place in chosen])


def _replace(token_id: int, vocabulary: Vocabulary, rng: Random) -> int:
    if rng.random() < MASK_SHARE:
        return vocabulary.mask_id
    if rng.random() < KEEP_SHARE_OF_OTHERS:
        return token_id
    return rng.randrange(len(vocabulary))


def pad_instance(
    masked: Masked, *, first_length: int, label: int, length: int, max_predictions: int
) -> Instance:
    """The instance of a pair's masked tokens, S = length and P = max_predictions.

    The first segment has `first_length` of them, with its [CLS] and [SEP].
    """
    padding = [0] * (length - len(masked.token_ids))
    second_length = len(masked.token_ids) - first_length
    unused = [0] * (max_predictions - len(masked.positions))
    return Instance(
        input_ids=masked.token_ids + padding,
        input_mask=[1] * len(masked.token_ids) + padding,
        segment_ids=[0] * first_length + [1] * second_length + padding,
        masked_lm_positions=masked.positions + unused,
        masked_lm_ids=masked.targets + unused,
        masked_lm_weights=[1.0] * len(masked.positions) + [0.0] * len(unused),
        next_sentence_labels=[label],
    )
