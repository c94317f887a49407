"""From the sequences of a training set to the arrays that the model takes."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from components.shared.bert.sequences import TokenSequence, pad_sequences
from components.shared.errors import InputError
from components.shared.training.micro_batches import MicroBatch

# Sequences are sorted by length within so many batches: enough that little is padding, few
# enough that batches stay mixed.
_BATCHES_SORTED_TOGETHER = 16


class SequenceBatches:
    """One process's share of each update's global batch, sequences of like length together."""

    def __init__(
        self,
        sequences: Sequence[TokenSequence],
        targets: Mapping[str, np.ndarray],
        *,
        loss: str,
        noun: str,
        global_batch_size: int,
        num_micro_batches: int,
        micro_batch_size: int,
        rank: int,
        seed: int,
    ) -> None:
        """Share out a training set.

        Args:
            sequences: N of them, the same on every process.
            targets: what the task's losses are told of each sequence, by the arrays' names:
                [N].
            loss: the name of the task's loss, which counts each sequence once.
            noun: how messages call the sequences.
            global_batch_size: sequences of one update, over all processes.
            num_micro_batches: of one process and update.
            micro_batch_size: sequences of one.
            rank: this process.
            seed: equal seeds give equal batches, whatever the number of processes.

        Raises:
            InputError: if there are fewer sequences than a batch holds.
        """
        if len(sequences) < global_batch_size:
            raise InputError(
                f"global_batch_size {global_batch_size} is more than the {len(sequences)} {noun} "
                "of the training set; choose a smaller one"
            )
        self._sequences, self._targets, self._loss = sequences, targets, loss
        self._global_batch_size = global_batch_size
        self._num_micro_batches, self._size = num_micro_batches, micro_batch_size
        self._rank, self._seed = rank, seed
        self._num_batches = len(sequences) // global_batch_size
        self._lengths = np.array([len(sequence.token_ids) for sequence in sequences])
        self._epoch_batches = lru_cache(2)(self._make_epoch_batches)

    def num_steps(self, num_epochs: float) -> int:
        """Return the number of optimizer steps of so many epochs."""
        return max(1, int(self._num_batches * num_epochs))

    def micro_batches(self, step: int) -> list[MicroBatch]:
        """The micro-batches of update `step`, counted from 0."""
        epoch, index = divmod(step, self._num_batches)
        batch = self._epoch_batches(epoch)[index]
        # One length for all processes: none waits for another's longer sequences.
        longest = int(self._lengths[batch].max())
        share = self._num_micro_batches * self._size
        own = batch[self._rank * share : (self._rank + 1) * share]
        return [
            self._micro_batch(own[start : start + self._size], longest)
            for start in range(0, share, self._size)
        ]

    def _micro_batch(self, indices: np.ndarray, longest: int) -> MicroBatch:
        arrays = pad_sequences([self._sequences[index] for index in indices], longest=longest)
        arrays |= {name: values[indices] for name, values in self._targets.items()}
        return MicroBatch(
            arrays,
            {self._loss: len(indices)},
            num_sequences=len(indices),
            num_tokens=int(self._lengths[indices].sum()),
            num_positions=arrays["token_ids"].size,
        )

    def _make_epoch_batches(self, epoch: int) -> list[np.ndarray]:
        """The global batches of an epoch; what is left over comes in other epochs."""
        generator = np.random.default_rng((self._seed, epoch))
        order = generator.permutation(len(self._sequences))
        order = order[: self._num_batches * self._global_batch_size]
        group = _BATCHES_SORTED_TOGETHER * self._global_batch_size
        batches = []
        for start in range(0, len(order), group):
            indices = order[start : start + group]
            indices = indices[np.argsort(self._lengths[indices], kind="stable")]
            batches += np.split(indices, len(indices) // self._global_batch_size)
        return [batches[index] for index in generator.permutation(len(batches))]
