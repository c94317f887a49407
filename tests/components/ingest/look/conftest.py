"""Where a record is, and what it records."""

import pytest


@pytest.fixture(params=["folder", "gs", "s3"])
def place(request, tmp_path, stores) -> str:
    """Where the record is."""
    if request.param == "folder":
        return str(tmp_path / "volume" / "last.json")
    return f"{request.param}://data/retraining/last.json"


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """A file, or a folder, for each setting that names data."""
    folder = tmp_path / "data"
    (folder / "weights").mkdir(parents=True)
    for name in ("dump.xml", "text.txt", "train.json", "dev.json", "weights/vocab.txt"):
        (folder / name).write_text("one")
    return {
        "dump": str(folder / "dump.xml"),
        "text": str(folder / "text.txt"),
        "squad_train": str(folder / "train.json"),
        "squad_dev": str(folder / "dev.json"),
        "initial_checkpoint": str(folder / "weights"),
    }
