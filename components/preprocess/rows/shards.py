"""The files of a dataset: rows in an order drawn by hash, and what is known of each file."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from components.preprocess.batches import CORPORA
from components.preprocess.storage import filesystem
from components.shared.dataset.tfrecords import write_records
from components.shared.files.atomic import sha256

HELD_OUT_FOLDER = "held-out"


class Row(NamedTuple):
    """A row on its way to its shard."""

    order: int
    """Random bits: rows stand in this order, since trainers read a shard from its start."""
    num_sequences: int
    num_tokens: tuple[int, ...]
    """By corpus; a sequence counts for that of its first segment."""
    record: bytes


class ShardSet(NamedTuple):
    """The shards of one sequence length, of the documents to train on or those held out."""

    length: int
    is_held_out: bool = False

    def path(self, shard: int, num_shards: int) -> str:
        """Where a shard stands in the dataset's folder."""
        folder = f"{HELD_OUT_FOLDER}/" if self.is_held_out else ""
        return f"{folder}length-{self.length}/shard-{shard:05d}-of-{num_shards:05d}.tfrecord"


def write_shard(folder: str, file: str, rows: Iterable[Row]) -> dict[str, Any]:
    """Write a shard, and tell its counts and checksum as dataset.json has them.

    Args:
        folder: the dataset's.
        file: the shard's place in it.
        rows: in order; each is written before the next is asked for.
    """
    counts = {"num_rows": 0, "num_sequences": 0, "max_sequences": 0}
    num_tokens = [0] * len(CORPORA)
    with filesystem.whole_file(filesystem.join(folder, file)) as scratch:
        with scratch.open("wb") as output:
            write_records(output, _count_rows(rows, counts, num_tokens))
        num_bytes, digest = scratch.stat().st_size, sha256(scratch)
    return {
        "file": file,
        "num_bytes": num_bytes,
        "sha256": digest,
        "num_tokens": num_tokens,
        **counts,
    }


def _count_rows(
    rows: Iterable[Row], counts: dict[str, int], num_tokens: list[int]
) -> Iterator[bytes]:
    """The records of rows, counted as they pass."""
    for row in rows:
        counts["num_rows"] += 1
        counts["num_sequences"] += row.num_sequences
        counts["max_sequences"] = max(counts["max_sequences"], row.num_sequences)
        for corpus, count in enumerate(row.num_tokens):
            num_tokens[corpus] += count
        yield row.record
