"""Windows of like length share a batch, and every process sees the same ones."""

from dataclasses import replace

import numpy as np
import pytest

from components.finetune.batches import SequenceBatches
from components.shared.errors import InputError
from components.shared.squad.windows import Window

PROTOTYPE = Window(
    unique_id=0,
    question_index=0,
    window_index=0,
    token_ids=[],
    first_segment_length=4,
    start_position=5,
    end_position=6,
    is_impossible=False,
    token_to_word=np.array([0]),
    token_places=None,
    is_max_context=np.array([True]),
)


def make_windows(lengths) -> list[Window]:
    return [
        replace(PROTOTYPE, unique_id=index, token_ids=[index + 1] * int(length))
        for index, length in enumerate(lengths)
    ]


def make_batches(windows, *, size=4, rank=0, num_processes=1, micro=4) -> SequenceBatches:
    return SequenceBatches(
        windows,
        {"rows": np.arange(len(windows), dtype=np.int32)},
        loss="span",
        noun="windows",
        global_batch_size=size,
        num_micro_batches=size // num_processes // micro,
        micro_batch_size=micro,
        rank=rank,
        seed=1,
    )


def ids(micro_batches) -> list[int]:
    return [int(row[0]) for batch in micro_batches for row in batch.arrays["token_ids"]]


def test_an_epoch_holds_each_window_once():
    """Twelve windows in three batches, then again in another order."""
    batches = make_batches(make_windows([10] * 12))

    first = [window for step in range(3) for window in ids(batches.micro_batches(step))]
    second = [window for step in range(3, 6) for window in ids(batches.micro_batches(step))]

    assert sorted(first) == list(range(1, 13))
    assert sorted(second) == list(range(1, 13))
    assert first != second


def test_windows_of_like_length_come_together():
    """Half are short, half long: no batch pads a short one to a long one's length."""
    batches = make_batches(make_windows([20, 300] * 8))

    lengths = sorted(
        batches.micro_batches(step)[0].arrays["token_ids"].shape[1] for step in range(4)
    )

    assert lengths == [32, 32, 320, 320]


def test_little_is_padding():
    """Of 2,000 windows as long as SQuAD's, in batches of 32; padded to 384 it is over half."""
    lengths = np.random.default_rng(0).gamma(6, 28, 2000).clip(30, 384)
    batches = make_batches(make_windows(lengths), size=32, micro=32)
    epoch = [batches.micro_batches(step)[0] for step in range(62)]

    share = 1 - sum(one.num_tokens for one in epoch) / sum(one.num_positions for one in epoch)

    assert share < 0.2
    assert 1 - sum(one.num_tokens for one in epoch) / (62 * 32 * 384) > 0.5


def test_two_processes_share_a_global_batch_of_one_length():
    """Together they have what one process has, padded alike."""
    windows = make_windows(np.random.default_rng(0).integers(10, 300, 40))
    whole = make_batches(windows, size=8, micro=8).micro_batches(2)
    parts = [
        make_batches(windows, size=8, rank=rank, num_processes=2, micro=4).micro_batches(2)
        for rank in (0, 1)
    ]

    assert sorted(ids(parts[0]) + ids(parts[1])) == sorted(ids(whole))
    shapes = {part[0].arrays["token_ids"].shape[1] for part in parts}
    assert shapes == {whole[0].arrays["token_ids"].shape[1]}


@pytest.mark.parametrize(("num_processes", "micro"), [(1, 8), (1, 2), (2, 4), (4, 2), (8, 1)])
def test_the_order_of_the_data_is_that_of_the_seed(num_processes, micro):
    """However an update is cut, its sequences are the same in the same order, epoch by epoch."""
    windows = make_windows(np.random.default_rng(0).integers(10, 300, 43))
    whole = make_batches(windows, size=8, micro=8)
    ranks = [
        make_batches(windows, size=8, rank=rank, num_processes=num_processes, micro=micro)
        for rank in range(num_processes)
    ]

    for step in range(12):
        parts = [part for rank in ranks for part in ids(rank.micro_batches(step))]
        assert parts == ids(whole.micro_batches(step))


def test_lengths_are_few():
    """400 lengths of windows make ten shapes; none is short by more than a step."""
    windows = make_windows(np.random.default_rng(0).integers(5, 385, 400))
    batches = make_batches(windows)

    lengths = {batches.micro_batches(step)[0].arrays["token_ids"].shape[1] for step in range(300)}

    assert lengths <= {16, 32, 48, 64, 96, 128, 192, 256, 320, 384}


def test_arrays_hold_segments_and_targets():
    """Segment 1 from the end of the question to the end of the window, 0 in the padding."""
    (batch,) = make_batches(make_windows([10] * 4)).micro_batches(0)

    assert batch.arrays["segment_ids"][0, :12].tolist() == [0] * 4 + [1] * 6 + [0] * 2
    assert (batch.arrays["rows"] + 1).tolist() == ids([batch])
    assert batch.counts == {"span": 4}
    assert (batch.num_sequences, batch.num_tokens) == (4, 40)


@pytest.mark.parametrize(("epochs", "expected"), [(1.0, 3), (2.5, 7), (0.01, 1)])
def test_steps_follow_from_epochs(epochs, expected):
    """Three batches an epoch, at least one step."""
    assert make_batches(make_windows([10] * 12)).num_steps(epochs) == expected


def test_a_batch_larger_than_the_training_set_is_rejected():
    """With both numbers."""
    with pytest.raises(InputError, match="global_batch_size 4 is more than the 3 windows"):
        make_batches(make_windows([10] * 3))
