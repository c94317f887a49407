"""The order in which the rows of a dataset are read: a function of the seed alone."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from components.pretrain.dataset_files import Shards
from components.shared.dataset.tfrecords import RecordFile
from components.shared.errors import InputError

_SHARDS_IN_MEMORY = 2


class Row(NamedTuple):
    """A record and where it comes from."""

    epoch: int
    """How often the dataset was read before."""
    number: int
    """Of the row in the dataset."""
    record: bytes
    path: Path
    place: int
    """Of the record in its file, from 0 up."""


class RowReader:
    """Gives the rows of one sequence length in an endless, reproducible order.

    In each epoch the shards come in another order, and the rows of a shard in another.
    The order does not depend on how many processes read, nor on where a run was stopped:
    process p takes the positions that are its share.
    """

    def __init__(self, shards: Shards, *, seed: int) -> None:
        """Open a dataset."""
        self._paths, self._seed = shards.paths, seed
        self._sizes = np.array(shards.sizes)
        self._first_numbers = np.concatenate([[0], np.cumsum(self._sizes)])
        self.num_rows = int(self._first_numbers[-1])
        self._shard = lru_cache(_SHARDS_IN_MEMORY)(self._open_shard)
        self._epoch_order = lru_cache(2)(self._make_epoch_order)
        self._shard_order = lru_cache(4)(self._make_shard_order)

    def read(self, position: int) -> Row:
        """The row at a position of the endless order.

        Raises:
            InputError: if its shard is cut short or altered.
        """
        epoch, in_epoch = divmod(position, self.num_rows)
        order, starts = self._epoch_order(epoch)
        place = int(np.searchsorted(starts, in_epoch, side="right")) - 1
        shard = int(order[place])
        offset = int(self._shard_order(epoch, shard)[in_epoch - starts[place]])
        number = int(self._first_numbers[shard]) + offset
        return Row(epoch, number, self._shard(shard)[offset], self._paths[shard], offset)

    def _make_epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._sizes))
        return order, np.concatenate([[0], np.cumsum(self._sizes[order])[:-1]])

    def _make_shard_order(self, epoch: int, shard: int) -> np.ndarray:
        generator = np.random.default_rng((self._seed, epoch, shard))
        return generator.permutation(self._sizes[shard])

    def _open_shard(self, shard: int) -> RecordFile:
        records = RecordFile(self._paths[shard])
        if len(records) != self._sizes[shard]:
            raise InputError(
                f"{self._paths[shard]}: holds {len(records)} records, {self._sizes[shard]} by its "
                "dataset.json; run the preprocess stage again"
            )
        return records
