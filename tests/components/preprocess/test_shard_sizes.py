import shutil
from pathlib import Path

import pytest

from components.preprocess import shard_sizes
from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from components.shared.dataset.folder import read_manifest
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

SAMPLE = Path(__file__).resolve().parents[3] / "pipelines" / "sample" / "wiki-sample.xml.bz2"
LETTERS = [chr(ord("a") + number) for number in range(26)]


@pytest.fixture
def config_of_sample(tmp_path):
    """Of the sample that ships with the project, a letter a piece."""
    (tmp_path / "dump").mkdir()
    shutil.copyfile(SAMPLE, tmp_path / "dump" / SAMPLE.name)
    pieces = [*SPECIAL_PIECES, *LETTERS, *(f"##{letter}" for letter in LETTERS), ".", ","]
    (tmp_path / "given.txt").write_text("".join(f"{piece}\n" for piece in pieces))
    assert Vocabulary.read(tmp_path / "given.txt")

    def make(**settings):
        return PreprocessConfig(
            dump_files=tmp_path / "dump",
            given_vocabulary=tmp_path / "given.txt",
            dataset=tmp_path / "dataset",
            vocabulary=tmp_path / "vocab.txt",
            num_workers=1,
            **settings,
        )

    return make


@pytest.mark.parametrize("format_", ["packed", "google"])
def test_shards_of_a_large_dump_are_of_the_size_that_trainers_read_well(
    config_of_sample, monkeypatch, format_
):
    """Of 100 to 200 MB; here two thousand times smaller, and so few rows that they scatter."""
    monkeypatch.setattr(shard_sizes, "_SHARD_BYTES", shard_sizes._SHARD_BYTES // 2000)
    config = config_of_sample(format=format_, num_shards=1, held_out_rate=0)

    run(config)

    for length in read_manifest(config.dataset)["lengths"].values():
        sizes = [shard["num_bytes"] for shard in length["shards"]]
        assert len(sizes) > 2
        assert 50_000 < sum(sizes) / len(sizes) < 100_000


def test_a_small_dump_is_not_sampled(config_of_sample, monkeypatch):
    """It gets as many shards as asked for."""
    monkeypatch.setattr(shard_sizes, "_measure_records", None)
    config = config_of_sample(num_shards=3)

    run(config)

    lengths = read_manifest(config.dataset)["lengths"]
    assert [len(one["shards"]) for one in lengths.values()] == [3, 3]


def test_no_fewer_shards_than_asked_for(config_of_sample, monkeypatch):
    """Also where the sample calls for fewer."""
    monkeypatch.setattr(shard_sizes, "_SHARD_BYTES", shard_sizes._SHARD_BYTES // 2000)
    monkeypatch.setattr(shard_sizes, "_MOST_RECORD_BYTES", {"packed": 100.0})
    config = config_of_sample(num_shards=40)

    run(config)

    lengths = read_manifest(config.dataset)["lengths"]
    assert [len(one["shards"]) for one in lengths.values()] == [40, 40]
