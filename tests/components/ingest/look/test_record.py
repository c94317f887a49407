"""The record of what was trained on last."""

import json
from pathlib import Path

import pytest

from components.ingest.look_config import RecordConfig
from components.ingest.record import Record, read_record, record
from components.shared.errors import InputError
from components.shared.files.formats import stamp
from components.shared.storage.transfers import open_bucket
from tests.components.ingest.look.looker import Looker
from tests.mutations import NUM_MUTATIONS, fuzz


def test_a_record_of_the_version_before_is_read(tmp_path, files):
    """It has the dump alone: what it could not record is no change."""
    path = tmp_path / "last.json"
    looker = Looker(tmp_path, record=str(path), **files)
    looker.look()
    old = {
        "dump": files["dump"],
        "fingerprint": (tmp_path / "fingerprint").read_text(),
        "recorded": "2026-10-02T03:00:00+00:00",
    }

    path.write_text(json.dumps(old))
    same = looker.changes()
    path.write_text(json.dumps({**old, "fingerprint": "other"}))

    assert (same, looker.changes()) == ([], ["dump changed"])


@pytest.mark.parametrize("scheme", ["", "gs", "s3"])
def test_the_note_of_a_dump_removes_its_checkpoints(tmp_path, stores, scheme):
    """Those of all its trainings; what else is there, and other dumps' checkpoints, stay."""
    root = f"{scheme}://data/checkpoints" if scheme else str(tmp_path / "checkpoints")
    (tmp_path / "x").write_bytes(b"x")
    kept = ["dump-1/pretrain-128/notes.txt", "dump-2/finetune/step-00000007/checkpoint.json"]
    removed = [
        "dump-1/pretrain-128/step-00000060/checkpoint.json",
        "dump-1/finetune/step-00000007/x",
    ]
    removed += ["dump-1/finetune/step-00000007/checkpoint.json"]
    for name in (*kept, *removed):
        if scheme:
            open_bucket(root).upload(tmp_path / "x", name)
        else:
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")

    record(
        RecordConfig(
            dump="d",
            fingerprint="f",
            record=str(tmp_path / "last.json"),
            dump_checkpoints=f"{root}/dump-1",
        )
    )

    left = (
        open_bucket(root).names()
        if scheme
        else [str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file()]
    )
    assert sorted(left) == kept


@pytest.mark.parametrize("text", ["{", "[]", '{"dump": "enwiki-20261001"}'])
def test_another_file_than_a_record_is_rejected(tmp_path, text):
    """Rather than trained over."""
    (tmp_path / "last.json").write_text(text)

    with pytest.raises(InputError, match=r"last\.json: .*; name another file, or remove it"):
        Looker(tmp_path, "a.xml", str(tmp_path / "last.json")).look()


def test_an_empty_record_is_rejected(tmp_path):
    """Before any look."""
    with pytest.raises(InputError, match="record is empty"):
        Looker(tmp_path, "a.xml", " ").look()


@pytest.mark.parametrize("record_at", ["s3:/bucket/last.json", "gcs://bucket/x", "https://x/y"])
def test_a_record_that_would_be_lost_with_the_pod_is_rejected(tmp_path, record_at):
    """An address that no bucket has is no path on the pod's own disk."""
    looker = Looker(tmp_path, "dump.xml", record_at)

    with pytest.raises(InputError, match="record must be a path .*, gs:// or s3:// address, got"):
        looker.look()
    with pytest.raises(InputError, match="record must be a path .*, gs:// or s3:// address, got"):
        record(RecordConfig(dump="x", fingerprint="y", record=record_at))


def test_a_record_that_cannot_be_written_is_found_before_the_training(tmp_path):
    """And said by its name if it can't be afterwards."""
    (tmp_path / "file").touch()
    at = str(tmp_path / "file" / "last.json")

    with pytest.raises(InputError, match=f"{at}: .*file is not a folder; give"):
        Looker(tmp_path, "dump.xml", at).look()
    with pytest.raises(InputError, match="is a folder already"):
        Looker(tmp_path, "dump.xml", str(tmp_path)).look()
    with pytest.raises(InputError, match=f"{at}: .*; give a file that this step may"):
        record(RecordConfig(dump="x", fingerprint="y", record=at))
    assert not (tmp_path / "is_new").exists()


def test_a_damaged_record_is_rejected_in_one_line(tmp_path):
    """2,000 times; whatever is accepted has the right types."""
    path = tmp_path / "last.json"

    def read(content):
        path.write_bytes(content)
        return read_record(str(path))

    fields = {"dump": "simplewiki-20261001", "fingerprint": "0a1b", "recorded": "2026-11-29"}
    content = json.dumps({**stamp("record"), **fields}).encode()

    messages = fuzz(content, read, Record)

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith(f"record {path}: ") for message in messages)
