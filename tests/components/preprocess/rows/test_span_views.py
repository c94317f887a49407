import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.preprocess.rows.span_views import join_spans, view_bytes, view_spans

BUFFERS = os.urandom(300), os.urandom(40)
_PLACES = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)


@given(st.lists(st.tuples(st.sampled_from([0, 1]), _PLACES), max_size=30))
def test_spans_stand_one_after_another(spans):
    """Spans may be empty, overlap, repeat, and come from several buffers."""
    views = np.zeros((len(spans), 4), np.int32)
    for number, (index, (start, end)) in enumerate(spans):
        views[number] = view_spans(
            BUFFERS[index], np.array([start]), np.array([end - start]), index=index
        )

    joined = join_spans(views, BUFFERS).to_pybytes()

    assert joined == b"".join(BUFFERS[index][start:end] for index, (start, end) in spans)


def test_spans_of_all_sizes_are_viewed_at_once():
    """Arrow keeps up to 12 bytes in the view itself, also at the end of the buffer."""
    sizes = np.arange(41)

    joined = join_spans(view_spans(BUFFERS[1], 40 - sizes, sizes), BUFFERS[1:])

    assert joined.to_pybytes() == b"".join(BUFFERS[1][40 - size :] for size in range(41))


@pytest.mark.parametrize("text", [b"", b"x", b"0123456789ab"])
def test_few_bytes_are_their_own_view(text):
    """A view of at most 12 bytes needs no buffer."""
    assert join_spans(np.stack([view_bytes(text)] * 3), []).to_pybytes() == text * 3
