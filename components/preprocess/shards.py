"""The files of a dataset: rows in an order drawn by hash, and what is known of each file."""

from collections.abc import Iterable
from typing import NamedTuple

from components.preprocess import places
from components.shared.files import sha256
from components.shared.records import write_records


class Row(NamedTuple):
    """A row on its way to its shard."""

    order: int
    """Random bits: rows stand in this order, since trainers read a shard from its start."""
    num_sequences: int
    num_tokens: int
    record: bytes


def shard_path(length: int, shard: int, num_shards: int) -> str:
    """Where a shard stands in the dataset's folder."""
    return f"length-{length}/shard-{shard:05d}-of-{num_shards:05d}.tfrecord"


def write_shard(folder: str, file: str, rows: Iterable[Row]) -> dict[str, int | str]:
    """Write a shard, and tell its counts and checksum as dataset.json has them."""
    ordered = sorted(rows)
    with places.whole_file(places.join(folder, file)) as scratch:
        with scratch.open("wb") as output:
            write_records(output, (row.record for row in ordered))
        num_bytes, digest = scratch.stat().st_size, sha256(scratch)
    return {
        "file": file,
        "num_rows": len(ordered),
        "num_bytes": num_bytes,
        "sha256": digest,
        "num_sequences": sum(row.num_sequences for row in ordered),
        "num_tokens": sum(row.num_tokens for row in ordered),
        "max_sequences": max((row.num_sequences for row in ordered), default=0),
    }
