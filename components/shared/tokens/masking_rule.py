"""Which tokens BERT must predict: the rule of google-research/bert's create_pretraining_data.py.

Of a sequence's tokens a share is chosen, never [CLS] or [SEP]. Of those chosen 80% become [MASK],
10% stay, and 10% become a piece drawn from the whole vocabulary (Devlin et al. 2019, §3.1). Where
whole words are masked, all pieces of a word are chosen or none, and a word that would exceed the
share is left alone.

Preprocessing draws the masks of Google's records with Python's `random`, one sequence at a time;
pretraining draws those of packed rows from a hash, a batch at a time. Neither can take the other's
numbers without giving other masks for the same seed, so both follow what stands here.
"""

from collections.abc import Sequence

from components.shared.tokens.vocabulary import Vocabulary

MASK_SHARE = 0.8
"""Of the chosen tokens, those that become [MASK]."""
KEEP_SHARE_OF_OTHERS = 0.5
"""Of the other chosen tokens, those that stay."""


def count_chosen(num_tokens: int, mask_rate: float) -> int:
    """Return how many tokens of a sequence to choose; [CLS] and [SEP] count in its length.

    One at least. Halves are rounded to even, as Google's Python does.
    """
    return max(1, round(num_tokens * mask_rate))


def list_words(token_ids: Sequence[int], vocabulary: Vocabulary) -> list[list[int]]:
    """Return the places of each word's pieces, those of [CLS] and [SEP] left out.

    Pieces at the start of a text that was cut within a word are a word of their own.
    """
    special_ids = (vocabulary.cls_id, vocabulary.sep_id)
    continuation_ids = vocabulary.continuation_ids
    words: list[list[int]] = []
    is_inside = False
    for place, id_ in enumerate(token_ids):
        if id_ in special_ids:
            is_inside = False
        elif is_inside and id_ in continuation_ids:
            words[-1].append(place)
        else:
            words.append([place])
            is_inside = True
    return words
