"""The order in which the rows of a dataset are read: a function of the seed alone."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from components.shared.errors import InputError
from components.shared.files import sha256
from components.shared.records import MANIFEST, PackedRow, decode_row, read_manifest, read_records
from components.shared.vocabulary import Vocabulary

_SHARDS_IN_MEMORY = 2


class RowReader:
    """Gives the rows of one sequence length in an endless, reproducible order.

    In each epoch the shards come in another order, and the rows of a shard in another.
    The order does not depend on how many processes read, nor on where a run was stopped:
    process p takes the positions that are its share.
    """

    def __init__(self, dataset: Path, *, length: int, vocabulary: Vocabulary, seed: int) -> None:
        """Check the dataset and open it.

        Raises:
            InputError: if it is not whole, was made with another vocabulary, or lacks the
                length.
        """
        manifest = read_manifest(dataset)
        lengths = manifest["lengths"]
        if str(length) not in lengths:
            raise InputError(
                f"{dataset / MANIFEST}: no rows of length {length}, only of "
                f"{', '.join(lengths)}; add it to sequence_lengths of the preprocess stage"
            )
        if manifest["vocabulary"]["sha256"] != vocabulary.sha256:
            raise InputError(
                f"{dataset / MANIFEST}: the dataset was made with another vocabulary than the one "
                "given; give the vocab.txt that the preprocess stage wrote beside it"
            )
        self.lowercase: bool = manifest["lowercase"]
        shards = [shard for shard in lengths[str(length)]["shards"] if shard["num_rows"]]
        self._paths = [dataset / shard["file"] for shard in shards]
        self._sizes = np.array([shard["num_rows"] for shard in shards])
        self._checksums = [shard["sha256"] for shard in shards]
        self._first_ids = np.concatenate([[0], np.cumsum(self._sizes)])
        self.num_rows = int(self._first_ids[-1])
        self._seed = seed
        if self.num_rows == 0:
            raise InputError(f"{dataset / MANIFEST}: no rows of length {length}; give more text")
        self._shard = lru_cache(_SHARDS_IN_MEMORY)(self._read_shard)
        self._epoch_order = lru_cache(2)(self._make_epoch_order)
        self._shard_order = lru_cache(4)(self._make_shard_order)

    def check_shards(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            InputError: naming the first shard that is missing or altered.
        """
        for path, expected in zip(self._paths, self._checksums, strict=True):
            if not path.exists() or sha256(path) != expected:
                state = "altered or cut short" if path.exists() else "missing"
                raise InputError(f"{path}: {state}; run the preprocess stage again")

    def read(self, position: int) -> tuple[int, int, PackedRow]:
        """The row at a position of the endless order, with its epoch and its number."""
        epoch, in_epoch = divmod(position, self.num_rows)
        order, starts = self._epoch_order(epoch)
        place = int(np.searchsorted(starts, in_epoch, side="right")) - 1
        shard = int(order[place])
        offset = int(self._shard_order(epoch, shard)[in_epoch - starts[place]])
        return epoch, int(self._first_ids[shard]) + offset, decode_row(self._shard(shard)[offset])

    def _make_epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._sizes))
        return order, np.concatenate([[0], np.cumsum(self._sizes[order])[:-1]])

    def _make_shard_order(self, epoch: int, shard: int) -> np.ndarray:
        generator = np.random.default_rng((self._seed, epoch, shard))
        return generator.permutation(self._sizes[shard])

    def _read_shard(self, shard: int) -> list[bytes]:
        return list(read_records(self._paths[shard]))
