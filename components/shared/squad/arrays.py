"""Windows as the arrays that the span model takes."""

from collections.abc import Sequence

import numpy as np

from components.shared.squad.windows import Window

# Few distinct lengths, so that few shapes are compiled.
_LENGTH_MULTIPLE = 64


def pad_windows(windows: Sequence[Window], *, longest: int) -> dict[str, np.ndarray]:
    """Pad windows with zeros to one length.

    Args:
        windows: B of them.
        longest: the length in tokens that must fit; L is the next multiple of 64.

    Returns:
        int32 [B, L] token_ids and segment_ids.
    """
    length = -(-longest // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE
    token_ids = np.zeros((len(windows), length), np.int32)
    segment_ids = np.zeros((len(windows), length), np.int32)
    for row, window in enumerate(windows):
        count = len(window.token_ids)
        token_ids[row, :count] = window.token_ids
        segment_ids[row, window.first_segment_length : count] = 1
    return {"token_ids": token_ids, "segment_ids": segment_ids}
