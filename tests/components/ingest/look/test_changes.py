"""What else may be new: each input, the version, the settings."""

from pathlib import Path

import pytest

from components.ingest import inputs
from components.shared.errors import InputError
from tests.components.ingest.look.looker import Looker


@pytest.mark.parametrize(
    ("changed", "file"),
    [
        ("dump", "dump.xml"),
        ("text", "text.txt"),
        ("squad_train", "train.json"),
        ("squad_dev", "dev.json"),
        ("initial_checkpoint", "weights/vocab.txt"),
    ],
)
def test_each_input_is_compared(tmp_path, files, changed, file, capsys):
    """And named where it changed; the checkpoints of the others' trainings stay theirs."""
    looker = Looker(tmp_path, record=str(tmp_path / "last.json"), **files)
    looker.look()
    looker.note()
    folder = (tmp_path / "dump_checkpoints").read_text()
    capsys.readouterr()
    before = looker.changes()
    same = capsys.readouterr().out
    (tmp_path / "data" / file).write_text("other")

    assert (before, looker.changes()) == ([], [f"{changed} changed"])
    assert same.rstrip().endswith(f"; compared: {', '.join(files)}, version")
    assert f"; {changed} changed since 20" in capsys.readouterr().out
    assert (tmp_path / "dump_checkpoints").read_text() != folder


def test_an_input_that_came_or_went_is_new(tmp_path, files):
    """As one whose content changed."""
    at = str(tmp_path / "last.json")
    looker = Looker(tmp_path, record=at, **{**files, "text": ""})
    looker.look()
    looker.note()

    assert Looker(tmp_path, record=at, **{**files, "squad_dev": ""}).changes() == [
        "text was added",
        "squad_dev was removed",
    ]


def test_text_alone_is_looked_for(tmp_path, files):
    """Without a dump, its output is empty."""
    looker = Looker(tmp_path, "", str(tmp_path / "last.json"), text=files["text"])

    looks = [looker.look()]
    looker.note()
    looks.append(looker.look())

    assert looks == [(True, ""), (False, "")]


@pytest.mark.parametrize(
    ("retrain_on", "found"),
    [
        (("data",), []),
        (("data", "version"), ["version changed"]),
        (("version",), ["version changed"]),
    ],
)
def test_another_version_is_new_where_it_is_asked_for(
    tmp_path, files, monkeypatch, retrain_on, found
):
    """Data that did not change is no reason by itself."""
    looker = Looker(tmp_path, record=str(tmp_path / "last.json"), **files, retrain_on=retrain_on)
    looker.look()
    looker.note()
    monkeypatch.setattr(inputs, "VERSION", "9.9.9")

    assert looker.changes() == found


@pytest.mark.parametrize(
    ("retrain_on", "before", "found"),
    [
        (("data",), "1", []),
        (("data", "settings"), "1", ["settings changed"]),
        (("data", "settings"), "2", []),
        # Recorded before settings were compared.
        (("data", "settings"), "", []),
    ],
)
def test_other_settings_are_new_where_it_is_asked_for(tmp_path, files, retrain_on, before, found):
    """By the digest of the run's parameters; its checkpoints stay those of the data."""
    at = str(tmp_path / "last.json")
    Looker(tmp_path, record=at, **files, settings_digest=before).look()
    Looker(tmp_path, record=at, **files).note()
    folder = (tmp_path / "dump_checkpoints").read_text()
    looker = Looker(tmp_path, record=at, **files, settings_digest="2", retrain_on=retrain_on)

    assert looker.changes() == found
    assert (tmp_path / "dump_checkpoints").read_text() == folder


def test_settings_that_nobody_digested_are_told(tmp_path, files):
    """A run that was started by hand in the UI has none."""
    with pytest.raises(InputError, match="settings_digest is empty; start the run by `submit`"):
        Looker(tmp_path, record="x", **files, retrain_on=("data", "settings")).look()


def test_a_change_of_data_is_left_out_where_it_is_not_asked_for(tmp_path, files):
    """With the version alone."""
    settings = {**files, "retrain_on": ("version",)}
    looker = Looker(tmp_path, record=str(tmp_path / "last.json"), **settings)
    looker.look()
    looker.note()
    Path(files["text"]).write_text("other")

    assert looker.changes() == []
