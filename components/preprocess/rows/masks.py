"""Masks drawn beforehand, by the rules of google-research/bert's create_pretraining_data.py.

Of a sequence's tokens a share is chosen to be predicted, never [CLS] or [SEP]. Of those
80% become [MASK], 10% stay, 10% become a piece drawn from the whole vocabulary.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from components.preprocess.rows.pairs import Pair
from components.shared.google_records import Instance
from components.shared.vocabulary import Vocabulary

_MASK_RATE_OF_CHOSEN = 0.8
_KEEP_RATE_OF_OTHERS = 0.5


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
        mask_rate: share of all tokens to choose, rounded; one at least.
        max_predictions: most tokens to choose.
        whole_word_masking: choose all pieces of a word or none. A word that would exceed
            the number to choose is passed over. Pieces at the start of a text that was cut
            within a word are a word of their own.
        rng: the only source of chance.
    """
    special = (vocabulary.cls_id, vocabulary.sep_id)
    if whole_word_masking:
        words = _group_words(token_ids, special, vocabulary.continuation_ids)
    else:
        words = [(place,) for place, id_ in enumerate(token_ids) if id_ not in special]
    rng.shuffle(words)
    num_wanted = min(max_predictions, max(1, round(len(token_ids) * mask_rate)))
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


def _group_words(
    token_ids: Sequence[int], special: tuple[int, ...], continuation_ids: frozenset[int]
) -> list[tuple[int, ...]]:
    """The places of each word's pieces."""
    words: list[list[int]] = []
    is_inside = False
    for place, id_ in enumerate(token_ids):
        if id_ in special:
            is_inside = False
        elif is_inside and id_ in continuation_ids:
            words[-1].append(place)
        else:
            words.append([place])
            is_inside = True
    return [tuple(word) for word in words]


def _replace(token_id: int, vocabulary: Vocabulary, rng: Random) -> int:
    if rng.random() < _MASK_RATE_OF_CHOSEN:
        return vocabulary.mask_id
    if rng.random() < _KEEP_RATE_OF_OTHERS:
        return token_id
    return rng.randrange(len(vocabulary))


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
