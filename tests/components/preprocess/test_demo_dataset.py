"""The dataset of `make demo`, byte for byte."""

import hashlib
import shutil
from pathlib import Path

import pytest

from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run

SAMPLE = Path(__file__).parents[3] / "pipelines" / "sample" / "wiki-sample.xml.bz2"
# Change them only with a change that is meant to change datasets, and say so in the changelog.
FILE_TO_SHA256 = {
    "vocab.txt": "ba6709727a4c74c51856ca1a4d6854a1f50c4553d3a638f40bd66480bc04b2b1",
    "length-128": "b8f4c3a633c11c2b5441b1e06ef362fa8cd01c6222056c5372d77a001075e3cc",
    "length-512": "96daaa591b9ea021a68709d7c9ba4f2f667dbe2123e0cbe70f20bd3d90f1aaca",
}


@pytest.mark.slow
def test_the_dataset_of_the_demo_is_the_same_to_the_byte(tmp_path):
    """A refactoring, another Python or another package version changes no row."""
    (tmp_path / "dump").mkdir()
    shutil.copy(SAMPLE, tmp_path / "dump")
    config = PreprocessConfig(
        dump_files=tmp_path / "dump",
        dataset=tmp_path / "dataset",
        vocabulary=tmp_path / "vocab.txt",
        vocabulary_size=8000,
        num_duplicates=5,
        held_out_rate=0,
    )

    run(config)

    seen = {"vocab.txt": hashlib.sha256((tmp_path / "vocab.txt").read_bytes()).hexdigest()}
    for folder in sorted((tmp_path / "dataset").glob("length-*")):
        shards = hashlib.sha256()
        for path in sorted(folder.glob("*.tfrecord")):
            shards.update(path.read_bytes())
        seen[folder.name] = shards.hexdigest()
    assert seen == FILE_TO_SHA256
