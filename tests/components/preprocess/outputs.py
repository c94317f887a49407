"""What a run of preprocess has written."""

from pathlib import Path

from components.shared.dataset.folder import read_manifest
from components.shared.dataset.packed_rows import PackedRow, decode_row
from components.shared.dataset.tfrecords import read_records


def read_rows(dataset: Path, length: str) -> list[PackedRow]:
    """Read the rows of a length that are trained on, in the order of the shards."""
    shards = read_manifest(dataset)["lengths"][length]["shards"]
    return [
        decode_row(record) for shard in shards for record in read_records(dataset / shard["file"])
    ]


def read_files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    """Read every file in a folder and those in it, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob(pattern)
        if path.is_file()
    }
