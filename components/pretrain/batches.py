"""From a dataset's rows to the arrays that the model takes."""

from collections.abc import Callable, Sequence

import numpy as np

from components.pretrain.config import PretrainConfig
from components.pretrain.google_rows import make_batch as make_instance_batch
from components.pretrain.masking import mask_tokens
from components.pretrain.rows import Row, RowReader
from components.shared.dataset.packed_rows import PackedRow, decode_row
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary
from components.shared.training.micro_batches import MicroBatch


class BatchMaker:
    """Makes one process's share of each update's global batch."""

    def __init__(
        self,
        rows: RowReader,
        make: Callable[[Sequence[Row]], MicroBatch],
        *,
        rank: int,
        num_processes: int,
        num_micro_batches: int,
        micro_batch_size: int,
    ) -> None:
        self._rows, self._make = rows, make
        self._rank, self._num_processes = rank, num_processes
        self._num_micro_batches, self._size = num_micro_batches, micro_batch_size

    def micro_batches(self, step: int) -> list[MicroBatch]:
        """The micro-batches of update `step`, counted from 0."""
        share = self._num_micro_batches * self._size
        first = (step * self._num_processes + self._rank) * share
        return [
            self._make([self._rows.read(start + place) for place in range(self._size)])
            for start in range(first, first + share, self._size)
        ]


def choose_maker(
    config: PretrainConfig, vocabulary: Vocabulary, *, is_packed: bool
) -> Callable[[Sequence[Row]], MicroBatch]:
    """Choose the function that makes micro-batches of a dataset's rows.

    Raises:
        InputError: if the settings ask for masks that Google's records cannot have any more.
    """
    if is_packed:
        return lambda rows: make_packed_batch(
            rows,
            vocabulary,
            length=config.sequence_length,
            mask_rate=config.mask_rate,
            whole_word_masking=config.whole_word_masking,
            seed=config.seed,
        )
    if config.whole_word_masking:
        raise InputError(
            f"{config.dataset}: its records are masked already, so whole_word_masking can't apply; "
            "leave it out, or set it in the preprocess stage that makes the records"
        )
    return lambda rows: make_instance_batch(
        [row.record for row in rows],
        length=config.sequence_length,
        vocabulary=vocabulary,
        sources=[f"{row.path}, record {row.place}" for row in rows],
    )


def make_packed_batch(
    rows: Sequence[Row],
    vocabulary: Vocabulary,
    *,
    length: int,
    mask_rate: float,
    whole_word_masking: bool,
    seed: int,
) -> MicroBatch:
    """The model's arrays of packed rows, with masks drawn for their epoch."""
    packed = [decode_row(row.record) for row in rows]
    arrays = expand_rows(packed, length=length)
    masked = mask_tokens(
        arrays["token_ids"],
        arrays["sequence_ids"],
        row_ids_B=np.array([row.number for row in rows]),
        epoch=np.array([row.epoch for row in rows]),
        seed=seed,
        vocabulary=vocabulary,
        mask_rate=mask_rate,
        max_predictions=max_predictions(length, mask_rate),
        whole_word_masking=whole_word_masking,
    )
    num_tokens = int((arrays["sequence_ids"] > 0).sum())
    arrays |= {
        "token_ids": masked.token_ids_BL,
        "masked_positions": masked.positions_BP,
        "masked_ids": masked.targets_BP,
        "masked_weights": masked.weights_BP,
    }
    num_sequences = sum(len(row.sequence_lengths) for row in packed)
    counts = {"masked_lm": float(masked.weights_BP.sum()), "next_sentence": num_sequences}
    return MicroBatch(
        arrays,
        counts,
        num_sequences=num_sequences,
        num_tokens=num_tokens,
        num_positions=arrays["token_ids"].size,
    )


def max_predictions(length: int, mask_rate: float) -> int:
    """Predictions of a row: 20 at length 128, as Google's; 77 at 512."""
    return int(np.ceil(length * mask_rate))


def expand_rows(rows: Sequence[PackedRow], *, length: int) -> dict[str, np.ndarray]:
    """Pad rows and spell out what their lengths imply.

    Returns:
        int32 [B, L] token_ids, segment_ids, position_ids, sequence_ids (from 1 up, 0 is
        padding); int32 [B, K] cls_positions, next_sentence_labels and float32 [B, K]
        next_sentence_weights, K a power of 2 so that few shapes are compiled.
    """
    shape = (len(rows), length)
    names = ("token_ids", "segment_ids", "position_ids", "sequence_ids")
    arrays = {name: np.zeros(shape, np.int32) for name in names}
    most = max(len(row.sequence_lengths) for row in rows)
    per_sequence = (len(rows), 1 << (most - 1).bit_length())
    arrays["cls_positions"] = np.zeros(per_sequence, np.int32)
    arrays["next_sentence_labels"] = np.zeros(per_sequence, np.int32)
    arrays["next_sentence_weights"] = np.zeros(per_sequence, np.float32)
    for index, row in enumerate(rows):
        lengths = np.asarray(row.sequence_lengths)
        count, total = len(lengths), int(lengths.sum())
        starts = np.cumsum(lengths) - lengths
        positions = np.arange(total) - np.repeat(starts, lengths)
        first_lengths = np.repeat(np.asarray(row.first_segment_lengths), lengths)
        arrays["token_ids"][index, :total] = row.token_ids
        arrays["segment_ids"][index, :total] = positions >= first_lengths
        arrays["position_ids"][index, :total] = positions
        arrays["sequence_ids"][index, :total] = np.repeat(np.arange(1, count + 1), lengths)
        arrays["cls_positions"][index, :count] = starts
        arrays["next_sentence_labels"][index, :count] = row.next_sentence_labels
        arrays["next_sentence_weights"][index, :count] = 1
    return arrays
