"""The files of a dataset, and what is known of each."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from components.preprocess.rows.row_blocks import RowCounts
from components.preprocess.storage import filesystem

HELD_OUT_FOLDER = "held-out"


class ShardSet(NamedTuple):
    """The shards of one sequence length, of the documents to train on or those held out."""

    length: int
    is_held_out: bool = False

    def path(self, shard: int, num_shards: int) -> str:
        """Where a shard stands in the dataset's folder."""
        folder = f"{HELD_OUT_FOLDER}/" if self.is_held_out else ""
        return f"{folder}length-{self.length}/shard-{shard:05d}-of-{num_shards:05d}.tfrecord"


def write_shard(folder: str, file: str, rows: Iterable[Any], counts: RowCounts) -> dict[str, Any]:
    """Write a shard, and tell its counts and checksum as dataset.json has them.

    Args:
        folder: the dataset's.
        file: the shard's place in it.
        rows: buffers with rows framed as in a TFRecord file, in order; each is written before the
            next is asked for.
        counts: of all rows.
    """
    digest, num_bytes = hashlib.sha256(), 0
    path = filesystem.join(folder, file)
    with filesystem.whole_file(path) as scratch, scratch.open("wb") as output:
        for part in rows:
            num_bytes += output.write(part)
            digest.update(part)
    return {
        "file": file,
        "num_bytes": num_bytes,
        "sha256": digest.hexdigest(),
        **counts._asdict(),
    }
