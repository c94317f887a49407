"""States in folders and in buckets: whole or not there."""

import time

import pytest

from components.shared.errors import DamagedError, InputError
from components.shared.files.atomic import whole_folder
from components.shared.storage.transfers import Bucket, open_bucket
from components.shared.training.resuming.checkpoint_store import States, open_states


@pytest.fixture(params=["folder", "gs", "s3"])
def place(request, tmp_path, stores) -> str:
    return str(tmp_path / "states") if request.param == "folder" else f"{request.param}://data/run"


@pytest.fixture
def states(place) -> States:
    return open_states(place)


def make(folder) -> None:
    with whole_folder(folder) as scratch:
        (scratch / "weights").write_bytes(b"\0" * 1000)
        (scratch / "checkpoint.json").write_text("{}", encoding="utf-8")


def test_what_is_written_is_read(states):
    """File by file, on this machine."""
    states.write("step-00000005", make)

    with states.read("step-00000005") as folder:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert files == {"weights": b"\0" * 1000, "checkpoint.json": b"{}"}


def test_the_newest_comes_first_and_one_that_is_removed_is_gone(states):
    """Also where it was written a second time."""
    for step in (5, 10, 5, 15):
        states.write(f"step-{step:08d}", make)
    states.remove("step-00000010")

    assert states.names() == ["step-00000015", "step-00000005"]


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_an_upload_that_was_cut_off_is_no_state(stores, scheme, tmp_path):
    """Without its checkpoint.json; it is removed, and what else is there is not."""
    bucket, states = open_bucket(f"{scheme}://data/run"), open_states(f"{scheme}://data/run")
    (tmp_path / "file").write_bytes(b"x")
    for name in ("step-00000005/weights", "precious"):
        bucket.upload(tmp_path / "file", name)

    names = states.names()
    states.remove_leftovers()

    assert names == []
    assert bucket.names() == ["precious"]


def test_a_damaged_file_is_told_while_others_are_still_arriving(stores, monkeypatch):
    """Their folder is being removed then, which must not hide the error."""
    states = open_states("s3://data/run")
    states.write("step-00000005", make)

    def download(_self, name, file, _stored, _advance):
        if name.endswith("weights"):
            raise DamagedError("the weights are damaged")
        end = time.monotonic() + 0.5
        while time.monotonic() < end and file.parent.exists():
            file.with_name(f"part-{time.monotonic_ns()}").touch()

    monkeypatch.setattr(Bucket, "_download", download)

    with pytest.raises(DamagedError, match="the weights are damaged"), states.read("step-00000005"):
        pass


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_bucket_that_is_not_there_is_told(stores, scheme):
    """With its address and what to check."""
    with pytest.raises(InputError, match=f"{scheme}://nothing/run: .*; check the bucket's name"):
        open_states(f"{scheme}://nothing/run").names()
