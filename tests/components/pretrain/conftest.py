"""A small dataset in the preprocess stage's format."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.shared.dataset.folder import MANIFEST
from components.shared.dataset.packed_rows import PackedRow, encode_row
from components.shared.files.atomic import sha256
from components.shared.tokens.vocabulary import Vocabulary
from tests.components.pretrain.stage import Stage
from tests.records import write_records

CLS, SEP = 2, 3
LENGTH = 32
# Rows by file; the last are not trained on.
_SHARDS = {
    "shard-00000-of-00002.tfrecord": 60,
    "shard-00001-of-00002.tfrecord": 61,
    "held-out.tfrecord": 40,
}


@pytest.fixture(scope="session")
def vocabulary_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(59))]
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def dataset_path(tmp_path_factory, vocabulary_path) -> Path:
    """Rows of counting sequences: after piece n comes n + 1, which a model can learn."""
    folder = tmp_path_factory.mktemp("dataset")
    generator = np.random.default_rng(0)
    shards = []
    for name, count in _SHARDS.items():
        rows = [make_row(generator) for _ in range(count)]
        path = folder / name
        write_records(path, map(encode_row, rows))
        shards.append({"file": path.name, "num_rows": len(rows), "sha256": sha256(path)})
    held_out = shards.pop()
    manifest = {
        "format_version": 1,
        "vocabulary": {"sha256": Vocabulary.read(vocabulary_path).sha256},
        "lowercase": True,
        "lengths": {str(LENGTH): {"shards": shards}},
        "held_out": {str(LENGTH): {"shards": [held_out]}},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def make_stage(dataset_path, vocabulary_path, tmp_path):
    def make(name: str = "out") -> Stage:
        return Stage(dataset_path, vocabulary_path, tmp_path / name)

    return make


def make_row(generator) -> PackedRow:
    """Two sequences of 16; in the first B goes on counting, in the second it may not."""
    token_ids, labels = [], []
    for _ in range(2):
        start, is_random = generator.integers(0, 59), int(generator.integers(0, 2))
        jump = int(generator.integers(20, 40)) if is_random else 0
        first = [5 + (start + i) % 59 for i in range(6)]
        second = [5 + (start + 6 + jump + i) % 59 for i in range(7)]
        token_ids += [CLS, *first, SEP, *second, SEP]
        labels.append(is_random)
    return PackedRow(token_ids, [16, 16], [8, 8], labels)
