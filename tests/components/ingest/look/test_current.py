"""A training that starts from the model in use."""

from pathlib import Path

import pytest

from components.shared.errors import InputError
from components.shared.model_store.store import ModelStore, open_store
from tests.components.ingest.look.looker import Looker


@pytest.fixture(params=["folder", "gs", "s3"])
def model_store(request, tmp_path, stores) -> ModelStore:
    """Where models are released."""
    folder = str(tmp_path / "models")
    return open_store(folder if request.param == "folder" else f"{request.param}://data/models")


def release(store: ModelStore, folder: Path) -> str:
    """Put a new version in use, and return its name."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "vocab.txt").write_text(folder.name)
    version = store.publish(folder, {})
    store.switch(version, expected=store.find_current())
    return version


def test_current_is_the_version_in_use_and_a_release_is_nothing_new(tmp_path, files, model_store):
    """A run keeps the version that was in use when it began."""
    settings = {**files, "initial_checkpoint": "current", "model_store": str(model_store)}
    looker = Looker(tmp_path, record=str(tmp_path / "last.json"), **settings)
    found = []
    for number in range(3):
        looker.look()
        found.append((tmp_path / "found_checkpoint").read_text())
        looker.note()
        release(model_store, tmp_path / f"version-{number}")
        assert not looker.look()[0]
        assert (tmp_path / "found_checkpoint").read_text() == ""
        Path(files["text"]).write_text(f"text {number}")

    versions = model_store.list_versions()
    assert found == ["", *(f"{model_store}/versions/{one}/model" for one in versions[:2])]


def test_without_a_model_in_use_current_may_be_an_error(tmp_path, files):
    """Rather than random weights, where that is the setting."""
    settings = {**files, "initial_checkpoint": "current", "model_store": str(tmp_path / "models")}
    looker = Looker(tmp_path, record="x", **settings, without_current="error")

    with pytest.raises(InputError, match="no model is in use to start from; release one"):
        looker.look()


def test_a_training_from_another_model_has_its_own_checkpoints(tmp_path, files):
    """One that failed is not resumed with other first weights."""
    store = open_store(str(tmp_path / "models"))
    settings = {**files, "initial_checkpoint": "current", "model_store": str(store)}
    looker = Looker(tmp_path, record=str(tmp_path / "last.json"), **settings)
    folders = []
    for number in range(2):
        looker.look()
        folders.append((tmp_path / "dump_checkpoints").read_text())
        release(store, tmp_path / f"version-{number}")

    assert folders[0] != folders[1]


def test_current_without_a_store_is_rejected(tmp_path, files):
    """Before anything is looked at."""
    with pytest.raises(InputError, match="initial_checkpoint is current, but model_store is empty"):
        Looker(tmp_path, record="x", **{**files, "initial_checkpoint": "current"}).look()
