"""A dataset that was prepared before, in place of text."""

import json

import pytest

from components.ingest.config import IngestConfig
from components.ingest.run import run
from components.shared.dataset import folder as dataset_folder
from components.shared.errors import InputError
from tests.components.ingest.samples import (
    make_dataset,
    outputs,
)


@pytest.fixture
def without_text(settings, tmp_path):
    """Settings without a corpus."""
    return settings | {"dump": "", "given_dataset": tmp_path / "out" / "given_dataset"}


def test_a_dataset_is_fetched_in_place_of_text(without_text, inputs, tmp_path, empty_s3):
    """From a folder or a bucket, every shard of it, with its checksums compared."""
    made = make_dataset(tmp_path / "dataset", inputs.vocabulary)
    for file in made:
        empty_s3.upload_file(str(tmp_path / "dataset" / file), "data", f"runs/1/{file}")
    empty_s3.put_object(Bucket="data", Key="runs/1-else", Body=b"another folder's")

    for place in (str(tmp_path / "dataset"), "s3://data/runs/1"):
        metadata = run(IngestConfig(**without_text, dataset=place))

        fetched = without_text["given_dataset"]
        assert metadata["given_dataset"] == {"source": place}
        for file, content in made.items():
            assert (fetched / file).read_bytes() == content
    assert json.loads((without_text["dump_files"] / "dump.json").read_text())["files"] == []

    empty_s3.put_object(Bucket="data", Key="runs/1/length-128/a.tfrecord", Body=b"altered")
    with pytest.raises(InputError, match=r"^s3://data/runs/1/length-128/a.tfrecord: altered"):
        run(IngestConfig(**without_text, dataset="s3://data/runs/1"))
    (tmp_path / "dataset" / "held-out" / "a.tfrecord").unlink()
    with pytest.raises(InputError, match=r"dataset/held-out/a.tfrecord: missing"):
        run(IngestConfig(**without_text, dataset=str(tmp_path / "dataset")))
    with pytest.raises(InputError, match="nowhere: no such folder; a dataset is a folder"):
        run(IngestConfig(**without_text, dataset=str(tmp_path / "nowhere")))


def test_a_dataset_of_another_vocabulary_is_rejected(without_text, inputs, tmp_path):
    """Before anything else is fetched, and without an output."""
    make_dataset(tmp_path / "dataset", inputs.squad)

    with pytest.raises(InputError, match="/dataset: made with another vocabulary than the one"):
        run(IngestConfig(**without_text, dataset=str(tmp_path / "dataset")))

    assert outputs(tmp_path) == []


def test_no_dataset_is_noted(settings, tmp_path):
    """An object store keeps no empty folder."""
    run(IngestConfig(**settings, given_dataset=tmp_path / "out" / "given_dataset"))

    assert dataset_folder.is_none(tmp_path / "out" / "given_dataset")
