"""A dataset's folder as dataset.json describes it; free of Beam and TensorFlow."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.atomic import sha256, whole_folder
from components.shared.files.documents import expect_shape, load_json
from components.shared.files.formats import STAMP_KEYS, expect_format, stamp

MANIFEST = "dataset.json"
PACKED, GOOGLE = "packed", "google"
_REMEDY = "run the preprocess stage again"


@dataclass(frozen=True)
class Shard:
    """A file of records."""

    file: str
    """Path within the dataset's folder."""
    num_rows: int
    sha256: str

    def __post_init__(self) -> None:
        path = Path(self.file)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"file must be a path within the dataset's folder, got {self.file!r}")
        if self.num_rows < 0:
            raise InputError(f"num_rows must be 0 or more, got {self.num_rows}")


@dataclass(frozen=True)
class Length:
    """The rows of a sequence length."""

    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class VocabularyField:
    """The vocabulary whose ids the rows hold."""

    sha256: str


@dataclass(frozen=True)
class Dataset:
    """What the stages after preprocessing need of dataset.json."""

    vocabulary: VocabularyField
    lowercase: bool
    lengths: dict[str, Length]
    held_out: dict[str, Length] = field(default_factory=dict)
    """Rows that are not trained on."""
    format: str = PACKED

    def __post_init__(self) -> None:
        if self.format not in (PACKED, GOOGLE):
            raise InputError(f"format must be {PACKED} or {GOOGLE}, got {self.format!r}")

    def list_shards(self) -> Iterator[Shard]:
        """Yield every shard, those held out too."""
        for length in (*self.lengths.values(), *self.held_out.values()):
            yield from length.shards


def read_dataset(folder: Path) -> Dataset:
    """Read a dataset.json.

    Raises:
        InputError: if it is missing, damaged or of another version.
    """
    return expect_shape(
        read_manifest(folder), Dataset, source=str(folder / MANIFEST), remedy=_REMEDY
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read all that a dataset.json says.

    Raises:
        InputError: if it is missing, damaged or of another version.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise InputError(
            f"{folder}: no {MANIFEST} in it, so this is not a whole dataset; {_REMEDY}"
        )
    manifest = load_json(path, dict[str, Any], remedy=_REMEDY)
    expect_format(manifest, MANIFEST, source=str(path), remedy=_REMEDY)
    return manifest


def check_file(path: Path, checksum: str) -> None:
    """Compare a shard with its SHA-256.

    Raises:
        InputError: if it is missing or altered.
    """
    if not path.exists() or sha256(path) != checksum:
        state = "altered or cut short" if path.exists() else "missing"
        raise InputError(f"{path}: {state}; {_REMEDY}")


def write_none(folder: Path) -> None:
    """Write the folder that stands for no dataset: an object store keeps no empty one."""
    with whole_folder(folder) as scratch:
        text = json.dumps(stamp(MANIFEST), indent=2) + "\n"
        (scratch / MANIFEST).write_text(text, encoding="utf-8")


def is_none(folder: Path) -> bool:
    """Whether a folder stands for no dataset."""
    return not read_manifest(folder).keys() - STAMP_KEYS
