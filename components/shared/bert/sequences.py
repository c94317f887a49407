"""Token sequences of any task as the arrays that the model takes; free of TensorFlow."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

# Few distinct lengths, so that few shapes are compiled, and finer steps where a step is a
# large part: up to so many tokens, lengths are multiples of.
_UP_TO_MULTIPLE = ((64, 16), (128, 32))
_LONGER_MULTIPLE = 64


class TokenSequence(Protocol):
    """What one row of a batch holds: a window of a context, a sentence or a pair of them."""

    @property
    def token_ids(self) -> list[int]:
        """With [CLS] and [SEP], unpadded."""
        ...

    @property
    def first_segment_length(self) -> int:
        """Tokens of the first segment, its [SEP] among them."""
        ...


def pad_sequences(sequences: Sequence[TokenSequence], *, longest: int) -> dict[str, np.ndarray]:
    """Pad sequences with zeros to one length.

    Args:
        sequences: B of them.
        longest: the length in tokens that must fit; L is `round_length` of it.

    Returns:
        int32 [B, L] token_ids and segment_ids.
    """
    return pad_to(sequences, length=round_length(longest))


def pad_to(sequences: Sequence[TokenSequence], *, length: int) -> dict[str, np.ndarray]:
    """Pad sequences with zeros to a length L in tokens, which fits each; see `pad_sequences`."""
    token_ids = np.zeros((len(sequences), length), np.int32)
    segment_ids = np.zeros((len(sequences), length), np.int32)
    for row, sequence in enumerate(sequences):
        count = len(sequence.token_ids)
        token_ids[row, :count] = sequence.token_ids
        segment_ids[row, sequence.first_segment_length : count] = 1
    return {"token_ids": token_ids, "segment_ids": segment_ids}


def round_length(longest: int) -> int:
    """The next of the few lengths there are: 16, 32, 48, 64, 96, 128, 192, 256 and so on."""
    for most, multiple in _UP_TO_MULTIPLE:
        if longest <= most:
            return -(-longest // multiple) * multiple
    return -(-longest // _LONGER_MULTIPLE) * _LONGER_MULTIPLE
