"""Masks drawn anew in each epoch, the same on every worker.

components/shared/tokens/masking_rule.py has the rule that they follow.

Shape suffixes: B rows, L positions of a row, P predictions of a row.
"""

from dataclasses import dataclass

import numpy as np

from components.shared.tokens.masking_rule import (
    KEEP_SHARE_OF_OTHERS,
    MASK_SHARE,
    count_chosen,
    list_words,
)
from components.shared.tokens.vocabulary import Vocabulary

# A chosen token becomes [MASK] where its number is below MASK_SHARE, a random piece from here on.
_RANDOM_FROM = MASK_SHARE + (1 - MASK_SHARE) * KEEP_SHARE_OF_OTHERS
# Streams of random numbers: which tokens, what becomes of them, which random token.
_CHOOSE, _TREAT, _REPLACE = range(3)


@dataclass(frozen=True)
class MaskedRows:
    """What masking makes of a batch of rows."""

    token_ids_BL: np.ndarray
    """int32, some tokens hidden."""
    positions_BP: np.ndarray
    """int32, positions to predict in ascending order; 0 where there are fewer than P."""
    targets_BP: np.ndarray
    """int32, the ids that stood there; 0 where there are fewer than P."""
    weights_BP: np.ndarray
    """float32, 1 for a prediction, 0 for a filler."""


def mask_tokens(
    token_ids_BL: np.ndarray,
    sequence_ids_BL: np.ndarray,
    *,
    row_ids_B: np.ndarray,
    epoch: int | np.ndarray,
    seed: int,
    vocabulary: Vocabulary,
    mask_rate: float,
    max_predictions: int,
    whole_word_masking: bool = False,
) -> MaskedRows:
    """Hide some tokens so that BERT learns to predict them.

    A sequence's draw depends on seed, epoch and the sequence (the dataset's row that it
    stands in, and its place there), not on the batch or the worker.

    Args:
        token_ids_BL: int [B, L]; id 0 is padding, never chosen.
        sequence_ids_BL: int [B, L], from 1 up in each row; 0 is padding.
        row_ids_B: int [B], the row's number in the dataset.
        epoch: how often the dataset has been read before, one number or [B].
        seed: of the run.
        vocabulary: supplies the special ids and the number of pieces to draw from.
        mask_rate: fraction of real tokens chosen, 0 to 1 (BERT: 0.15).
        max_predictions: P; a row's surplus is left unmasked, at random.
        whole_word_masking: choose all pieces of a word or none; what becomes of each piece is
            drawn for itself.
    """
    keys_B = _row_keys(seed, np.asarray(epoch), row_ids_B)
    draw_BL = _uniform(keys_B, token_ids_BL.shape[1], _CHOOSE)

    if whole_word_masking:
        rows = zip(draw_BL, token_ids_BL, sequence_ids_BL, strict=True)
        chosen_BL = np.stack(
            [_choose_words(*row, vocabulary, mask_rate, max_predictions) for row in rows]
        )
    else:
        special_BL = np.isin(token_ids_BL, (vocabulary.cls_id, vocabulary.sep_id))
        candidate_BL = (sequence_ids_BL > 0) & ~special_BL
        chosen_BL = _choose(draw_BL, candidate_BL, sequence_ids_BL, mask_rate, max_predictions)
    treatment_BL = _uniform(keys_B, token_ids_BL.shape[1], _TREAT)
    random_BL = _uniform(keys_B, token_ids_BL.shape[1], _REPLACE) * len(vocabulary)

    hidden_BL = np.where(chosen_BL & (treatment_BL < MASK_SHARE), vocabulary.mask_id, token_ids_BL)
    replaced_BL = chosen_BL & (treatment_BL >= _RANDOM_FROM)
    hidden_BL = np.where(replaced_BL, random_BL.astype(np.int32), hidden_BL)

    # Chosen positions first, in order; the sort is stable.
    positions_BP = np.argsort(~chosen_BL, axis=1, kind="stable")[:, :max_predictions]
    weights_BP = np.take_along_axis(chosen_BL, positions_BP, axis=1)
    targets_BP = np.take_along_axis(token_ids_BL, positions_BP, axis=1)
    return MaskedRows(
        token_ids_BL=hidden_BL.astype(np.int32),
        positions_BP=np.where(weights_BP, positions_BP, 0).astype(np.int32),
        targets_BP=np.where(weights_BP, targets_BP, 0).astype(np.int32),
        weights_BP=weights_BP.astype(np.float32),
    )


def _choose(
    draw_BL: np.ndarray,
    candidate_BL: np.ndarray,
    sequence_ids_BL: np.ndarray,
    mask_rate: float,
    max_predictions: int,
) -> np.ndarray:
    """Mark in bool [B, L]: in each sequence those with the smallest draws."""
    chosen_BL = np.zeros_like(candidate_BL)
    for sequence in range(1, int(sequence_ids_BL.max(initial=0)) + 1):
        in_sequence_BL = sequence_ids_BL == sequence
        lengths_B = in_sequence_BL.sum(axis=1)
        quota_B = _list_quotas(lengths_B, mask_rate)
        chosen_BL |= _smallest(draw_BL, candidate_BL & in_sequence_BL, quota_B)
    return _smallest(draw_BL, chosen_BL, np.full(len(draw_BL), max_predictions))


def _list_quotas(lengths: np.ndarray, mask_rate: float) -> np.ndarray:
    """Return how many tokens to choose of sequences of such lengths; 0 marks a missing one."""
    return np.array([count_chosen(one, mask_rate) if one else 0 for one in lengths.tolist()])


def _choose_words(
    draw_L: np.ndarray,
    token_ids_L: np.ndarray,
    sequence_ids_L: np.ndarray,
    vocabulary: Vocabulary,
    mask_rate: float,
    max_predictions: int,
) -> np.ndarray:
    """Mark in bool [L] whole words, in the order of their first pieces' draws."""
    num_tokens = np.count_nonzero(sequence_ids_L)
    words = list_words(token_ids_L[:num_tokens].tolist(), vocabulary)
    sequences = sequence_ids_L.tolist()
    left = _list_quotas(np.bincount(sequence_ids_L[:num_tokens]), mask_rate).tolist()
    left_in_row = max_predictions
    chosen: list[int] = []
    for number in np.argsort(draw_L[[word[0] for word in words]], kind="stable").tolist():
        word = words[number]
        sequence = sequences[word[0]]
        if len(word) <= min(left[sequence], left_in_row):
            chosen += word
            left[sequence] -= len(word)
            left_in_row -= len(word)
    chosen_L = np.zeros(len(draw_L), bool)
    chosen_L[chosen] = True
    return chosen_L


def _smallest(draw_BL: np.ndarray, among_BL: np.ndarray, quota_B: np.ndarray) -> np.ndarray:
    """Mark in bool [B, L]: in each row the `quota` smallest draws among some positions."""
    order_BL = np.argsort(np.where(among_BL, draw_BL, np.inf), axis=1, kind="stable")
    rank_BL = np.empty_like(order_BL)
    np.put_along_axis(rank_BL, order_BL, np.arange(draw_BL.shape[1])[None], axis=1)
    return among_BL & (rank_BL < quota_B[:, None])


def _row_keys(seed: int, epoch: np.ndarray, row_ids_B: np.ndarray) -> np.ndarray:
    # Arrays throughout: NumPy warns of the intended overflow in scalars only.
    key_1 = _mix(np.array([seed], np.uint64))
    keys_B = _mix(key_1 ^ np.atleast_1d(epoch).astype(np.uint64))
    return _mix(keys_B ^ row_ids_B.astype(np.uint64))


def _uniform(keys_B: np.ndarray, length: int, stream: int) -> np.ndarray:
    """Uniform numbers in [0, 1), float64 [B, length]: a hash of key, stream and position."""
    counter_L = np.arange(length, dtype=np.uint64) + np.uint64(stream << 32)
    bits_BL = _mix(keys_B[:, None] ^ _mix(counter_L)[None])
    return (bits_BL >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(value: np.ndarray) -> np.ndarray:
    """SplitMix64's step (Steele et al. 2014): each input bit reaches each output bit."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
