"""The files of a dataset: packed rows, or the records that Google's trainers read."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.pretrain.google_rows import check_instance
from components.shared.dataset.folder import (
    MANIFEST,
    PACKED,
    Length,
    Shard,
    check_file,
    read_dataset,
)
from components.shared.dataset.tfrecords import RecordFile
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from components.shared.tokens.vocabulary import Vocabulary

# tf_examples.tfrecord (Google), part-00000-of-00010.tfrecord, wiki.tfrecord-00000-of-00010,
# data.tf_record (Model Garden), any of them with .gz.
_PATTERN = "*.tf*record*"


@dataclass(frozen=True)
class Shards:
    """Where the records of one sequence length are, and how many each file holds."""

    paths: list[Path]
    sizes: list[int]
    """Records of each file."""
    checksums: list[str]
    """SHA-256 of each file; empty where nothing tells it."""
    is_packed: bool
    """Packed rows, masked while training; else Google's records, masked beforehand."""
    lowercase: bool
    fingerprint: str
    """Tells one dataset from another."""
    held_out: "Shards | None" = None
    """The rows that are not trained on."""

    def check(self) -> None:
        """Compare every file with its checksum.

        Raises:
            InputError: naming the first that is missing or altered.
        """
        for path, expected in zip(self.paths, self.checksums, strict=False):
            check_file(path, expected)
        if self.held_out is not None:
            self.held_out.check()

    def fields(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        held_out = self.held_out and self.held_out.fields()
        return vars(self) | {"paths": [str(path) for path in self.paths], "held_out": held_out}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Shards":
        """Return what `fields` made."""
        held_out = fields["held_out"] and cls.from_fields(fields["held_out"])
        paths = [Path(path) for path in fields["paths"]]
        return cls(**{**fields, "paths": paths, "held_out": held_out})


def find_shards(dataset: Path, *, length: int, vocabulary: Vocabulary) -> Shards:
    """Find the records of one length.

    Args:
        dataset: a folder of the preprocess stage, or without dataset.json one of TFRecord
            files as Google's create_pretraining_data.py and NVIDIA's scripts write them
            (plain or gzip), or one such file. Their records are counted, which reads them.
        length: tokens of a row.
        vocabulary: that the dataset was made with.

    Raises:
        InputError: if there are none, or they were made with another vocabulary or for
            another length.
    """
    files = [dataset] if dataset.is_file() else sorted(dataset.glob(_PATTERN))
    if files and not (dataset / MANIFEST).exists():
        return _count_files(files, length, vocabulary)
    manifest = read_dataset(dataset)
    lengths = manifest.lengths
    if str(length) not in lengths:
        raise InputError(
            f"{dataset / MANIFEST}: no rows of length {length}, only of "
            f"{', '.join(lengths)}; add it to sequence_lengths of the preprocess stage"
        )
    if manifest.vocabulary.sha256 != vocabulary.sha256:
        raise InputError(
            f"{dataset / MANIFEST}: the dataset was made with another vocabulary than the one "
            "given; give the vocab.txt that the preprocess stage wrote beside it"
        )
    fingerprint = sha256(dataset / MANIFEST)

    def describe(shards: Sequence[Shard], held_out: Shards | None = None) -> Shards | None:
        filled = [shard for shard in shards if shard.num_rows]
        if not filled:
            return None
        return Shards(
            paths=[dataset / shard.file for shard in filled],
            sizes=[shard.num_rows for shard in filled],
            checksums=[shard.sha256 for shard in filled],
            is_packed=manifest.format == PACKED,
            lowercase=manifest.lowercase,
            fingerprint=fingerprint,
            held_out=held_out,
        )

    held_out = manifest.held_out.get(str(length), Length(()))
    shards = describe(lengths[str(length)].shards, describe(held_out.shards))
    if shards is None:
        raise InputError(f"{dataset / MANIFEST}: no rows of length {length}; give more text")
    return shards


def _count_files(paths: list[Path], length: int, vocabulary: Vocabulary) -> Shards:
    sizes = []
    for path in paths:
        records = RecordFile(path)
        sizes.append(len(records))
        if sizes[-1]:
            check_instance(records[0], length=length, vocabulary=vocabulary, source=str(path))
    found = [(path, size) for path, size in zip(paths, sizes, strict=True) if size]
    if not found:
        raise InputError(f"{paths[0].parent}: no record in any of its {len(paths)} TFRecord files")
    described = [[path.name, path.stat().st_size, size] for path, size in found]
    return Shards(
        paths=[path for path, _ in found],
        sizes=[size for _, size in found],
        checksums=[],
        is_packed=False,
        # Nothing else tells: an uncased vocabulary has no capital letter.
        lowercase=all(
            piece == piece.lower() for piece in vocabulary.pieces if not piece.startswith("[")
        ),
        fingerprint=hashlib.sha256(json.dumps(described).encode()).hexdigest(),
    )
