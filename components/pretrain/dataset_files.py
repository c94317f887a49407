"""The files of a dataset: packed rows, or the records that Google's trainers read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.pretrain.google_rows import check_instance
from components.shared.documents import expect_shape
from components.shared.errors import InputError
from components.shared.files import sha256
from components.shared.records import MANIFEST, RecordFile, read_manifest
from components.shared.vocabulary import Vocabulary

_PACKED, _GOOGLE = "packed", "google"
# tf_examples.tfrecord (Google), part-00000-of-00010.tfrecord, wiki.tfrecord-00000-of-00010,
# data.tf_record (Model Garden), any of them with .gz.
_PATTERN = "*.tf*record*"


@dataclass(frozen=True)
class _Shard:
    """An entry of dataset.json."""

    file: str
    num_rows: int
    sha256: str

    def __post_init__(self) -> None:
        path = Path(self.file)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"file must be a path within the dataset's folder, got {self.file!r}")
        if self.num_rows < 0:
            raise InputError(f"num_rows must be 0 or more, got {self.num_rows}")


@dataclass(frozen=True)
class _Length:
    shards: tuple[_Shard, ...]


@dataclass(frozen=True)
class _VocabularyField:
    sha256: str


@dataclass(frozen=True)
class _Manifest:
    """What pretraining needs of dataset.json."""

    vocabulary: _VocabularyField
    lowercase: bool
    lengths: dict[str, _Length]
    held_out: dict[str, _Length] = field(default_factory=dict)
    format: str = _PACKED

    def __post_init__(self) -> None:
        if self.format not in (_PACKED, _GOOGLE):
            raise InputError(f"format must be {_PACKED} or {_GOOGLE}, got {self.format!r}")


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
            if not path.exists() or sha256(path) != expected:
                state = "altered or cut short" if path.exists() else "missing"
                raise InputError(f"{path}: {state}; run the preprocess stage again")
        if self.held_out is not None:
            self.held_out.check()


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
    manifest = expect_shape(
        read_manifest(dataset),
        _Manifest,
        source=str(dataset / MANIFEST),
        remedy="run the preprocess stage again",
    )
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

    def describe(shards: Sequence[_Shard], held_out: Shards | None = None) -> Shards | None:
        filled = [shard for shard in shards if shard.num_rows]
        if not filled:
            return None
        return Shards(
            paths=[dataset / shard.file for shard in filled],
            sizes=[shard.num_rows for shard in filled],
            checksums=[shard.sha256 for shard in filled],
            is_packed=manifest.format == _PACKED,
            lowercase=manifest.lowercase,
            fingerprint=fingerprint,
            held_out=held_out,
        )

    held_out = manifest.held_out.get(str(length), _Length(()))
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
