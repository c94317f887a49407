"""Ingest for question answering as a whole."""

import json
import zipfile
from pathlib import Path

import pytest

from components.ingest.squad.config import IngestSquadConfig
from components.ingest.squad.run import run
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from tests.components.ingest.misbehaving_server import Answer
from tests.components.ingest.samples import CONFIG, VOCABULARY, make_google_folder, make_squad


@pytest.fixture
def settings(tmp_path) -> dict:
    """Ten articles of questions, and where the outputs go."""
    (tmp_path / "train.json").write_text(json.dumps(make_squad(10)))
    return {
        "squad": tmp_path / "out" / "squad",
        "given_checkpoint": tmp_path / "out" / "checkpoint",
        "squad_train": str(tmp_path / "train.json"),
    }


def make_huggingface_folder(folder: Path) -> Path:
    """What describes a model, with weights that nobody reads here."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": "bert"}))
    (folder / "vocab.txt").write_text(VOCABULARY)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "pytorch_model.bin").write_bytes(b"the same for another framework")
    return folder


def test_questions_and_a_folder_of_hugging_faces_are_handed_on(settings, tmp_path):
    """Every fifth article is held out; files that nobody reads are left behind."""
    folder = make_huggingface_folder(tmp_path / "bert")

    metadata = run(IngestSquadConfig(**settings, initial_checkpoint=str(folder)))

    assert {path.name for path in settings["given_checkpoint"].iterdir()} == {
        "config.json", "vocab.txt", "model.safetensors"
    }  # fmt: skip
    assert metadata == {
        "squad": {"train_questions": 8, "dev_questions": 2},
        "given_checkpoint": {"source": str(folder), "pieces": 7},
    }
    dev = json.loads((settings["squad"] / "dev.json").read_text("utf-8"))
    assert [one["title"] for one in dev["data"]] == ["Article 4", "Article 9"]


def test_an_archive_of_googles_is_downloaded(settings, tmp_path, server):
    """As it is published: a zip with one folder in it; its secret is not noted."""
    folder = make_google_folder(tmp_path / "uncased_L-2_H-128_A-2")
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, f"{folder.name}/{path.name}")
    address = server.serve("/2020_02_20/uncased.zip", Answer(archive.read_bytes()))

    metadata = run(
        IngestSquadConfig(
            **settings, initial_checkpoint=f"{address}?token=secret#sha256={sha256(archive)}"
        )
    )

    assert metadata["given_checkpoint"]["source"] == address
    fetched = settings["given_checkpoint"]
    assert (fetched / "bert_model.ckpt.index").read_bytes() == b"index"
    assert (fetched / "vocab.txt").read_text() == VOCABULARY
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"squad", "checkpoint"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"initial_checkpoint": "gone"}, "gone: no such folder"),
        ({"squad_train": "gone.json"}, r"gone\.json: no such file"),
        ({"squad_dev": "gone.json"}, r"gone\.json: no such file"),
    ],
)
def test_nothing_is_written_without_all_inputs(settings, tmp_path, changed, said):
    """Whichever of them is missing."""
    settings["initial_checkpoint"] = str(make_google_folder(tmp_path / "google"))

    with pytest.raises(InputError, match=said):
        run(IngestSquadConfig(**settings | changed))

    assert not settings["squad"].exists()
    assert not settings["given_checkpoint"].exists()
