"""From the windows of a SQuAD training set to the arrays that the model takes."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from components.shared.bert.trainer import MicroBatch
from components.shared.errors import InputError
from components.shared.squad.arrays import pad_windows
from components.shared.squad.windows import Window

# Windows are sorted by length within so many batches: enough that little is padding, few
# enough that batches stay mixed.
_BATCHES_SORTED_TOGETHER = 16


class WindowBatches:
    """One process's share of each update's global batch, windows of like length together."""

    def __init__(
        self,
        windows: Sequence[Window],
        *,
        global_batch_size: int,
        num_micro_batches: int,
        micro_batch_size: int,
        rank: int,
        seed: int,
    ) -> None:
        if len(windows) < global_batch_size:
            raise InputError(
                f"global_batch_size {global_batch_size} is more than the {len(windows)} windows "
                "of the training set; choose a smaller one"
            )
        self._windows, self._global_batch_size = windows, global_batch_size
        self._num_micro_batches, self._size = num_micro_batches, micro_batch_size
        self._rank, self._seed = rank, seed
        self._num_batches = len(windows) // global_batch_size
        self._lengths = np.array([len(window.token_ids) for window in windows])
        self._epoch_batches = lru_cache(2)(self._make_epoch_batches)

    def num_steps(self, num_epochs: float) -> int:
        """Updates of so many epochs."""
        return max(1, int(self._num_batches * num_epochs))

    def micro_batches(self, step: int) -> list[MicroBatch]:
        """The micro-batches of update `step`, counted from 0."""
        epoch, index = divmod(step, self._num_batches)
        batch = self._epoch_batches(epoch)[index]
        # One length for all processes: none waits for another's longer windows.
        longest = int(self._lengths[batch].max())
        share = self._num_micro_batches * self._size
        own = batch[self._rank * share : (self._rank + 1) * share]
        return [
            self._micro_batch(own[start : start + self._size], longest)
            for start in range(0, share, self._size)
        ]

    def _micro_batch(self, indices: np.ndarray, longest: int) -> MicroBatch:
        windows = [self._windows[index] for index in indices]
        arrays = pad_windows(windows, longest=longest)
        arrays["start_positions"] = np.array([w.start_position for w in windows], np.int32)
        arrays["end_positions"] = np.array([w.end_position for w in windows], np.int32)
        num_tokens = int(self._lengths[indices].sum())
        return MicroBatch(
            arrays,
            {"span": len(windows)},
            num_sequences=len(windows),
            num_tokens=num_tokens,
            num_positions=arrays["token_ids"].size,
        )

    def _make_epoch_batches(self, epoch: int) -> list[np.ndarray]:
        """The global batches of an epoch; what is left over comes in other epochs."""
        generator = np.random.default_rng((self._seed, epoch))
        order = generator.permutation(len(self._windows))
        order = order[: self._num_batches * self._global_batch_size]
        group = _BATCHES_SORTED_TOGETHER * self._global_batch_size
        batches = []
        for start in range(0, len(order), group):
            indices = order[start : start + group]
            indices = indices[np.argsort(self._lengths[indices], kind="stable")]
            batches += np.split(indices, len(indices) // self._global_batch_size)
        return [batches[index] for index in generator.permutation(len(batches))]
