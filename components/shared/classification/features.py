"""What the model reads: `[CLS] sentence [SEP]` or `[CLS] sentence [SEP] second [SEP]`.

They are the features of google-research/bert's run_classifier.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.shared.classification.sentences import Row
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary


@dataclass(frozen=True)
class Features:
    """One row as word pieces."""

    token_ids: list[int]
    """With [CLS] and [SEP], unpadded."""
    first_segment_length: int
    """Tokens of `[CLS] sentence [SEP]`."""


def make_features(
    rows: Sequence[Row],
    tokenizer: WordPieceTokenizer,
    vocabulary: Vocabulary,
    *,
    max_length_tokens: int,
) -> list[Features]:
    """Turn sentences into word pieces, cut to a length.

    Args:
        rows: single sentences or pairs.
        tokenizer: makes word pieces of a sentence.
        vocabulary: the tokenizer's, for the ids of [CLS] and [SEP].
        max_length_tokens: tokens of a row at most, with [CLS] and [SEP].
    """
    firsts = tokenizer.encode_batch([row.sentence for row in rows])
    seconds = tokenizer.encode_batch([row.second_sentence or "" for row in rows])
    features = []
    for row, first, second in zip(rows, firsts, seconds, strict=True):
        is_pair = row.second_sentence is not None
        room = max_length_tokens - (3 if is_pair else 2)
        num_first, num_second = cut_longest_first(len(first), len(second), room)
        head = [vocabulary.cls_id, *first[:num_first], vocabulary.sep_id]
        tail = [*second[:num_second], vocabulary.sep_id] if is_pair else []
        features.append(Features(head + tail, len(head)))
    return features


def cut_longest_first(num_first: int, num_second: int, room: int) -> tuple[int, int]:
    """How many tokens of two sentences are kept, as run_classifier's _truncate_seq_pair does.

    The longer one loses its last token, the second if they are of one length, until both fit.
    """
    surplus = max(0, num_first + num_second - room)
    # First the longer one down to the other's length, then both in turn.
    from_first = min(surplus, max(0, num_first - num_second))
    from_second = min(surplus, max(0, num_second - num_first))
    both = surplus - from_first - from_second
    return num_first - from_first - both // 2, num_second - from_second - (both + 1) // 2
