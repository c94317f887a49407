import json

import pytest

from components.shared.dataset.folder import is_none, read_manifest, write_none
from components.shared.errors import InputError


def test_manifest_of_this_format_is_read(tmp_path):
    """What dataset.json says is what read_manifest returns."""
    manifest = {"format_version": 1, "lowercase": True}
    (tmp_path / "dataset.json").write_text(json.dumps(manifest))

    assert read_manifest(tmp_path) == manifest


def test_folder_without_manifest_is_no_dataset(tmp_path):
    """A dataset that was not finished is refused."""
    with pytest.raises(InputError, match=r"no dataset\.json in it, so this is not a whole dataset"):
        read_manifest(tmp_path)


def test_another_format_is_rejected(tmp_path):
    """A dataset of another release is not guessed at."""
    (tmp_path / "dataset.json").write_text('{"format_version": 99}')

    with pytest.raises(
        InputError,
        match="format_version 99, written by .*; this release, kubeflow-bert .*, reads 1",
    ):
        read_manifest(tmp_path)


def test_no_dataset_is_told_from_one(tmp_path):
    """An artifact that holds none says so."""
    write_none(tmp_path / "none")
    (tmp_path / "dataset.json").write_text(json.dumps({"format_version": 1, "lowercase": True}))

    assert is_none(tmp_path / "none")
    assert not is_none(tmp_path)
