"""Whether a dump is newer than the one trained on last: by name, in a store, on web or disk."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.ingest import inputs
from components.ingest import look as look_module
from components.ingest.look import look
from components.ingest.look_config import LookConfig, RecordConfig
from components.ingest.record import Record, read_record, record
from components.shared.errors import InputError
from components.shared.formats import stamp
from components.shared.model_store.store import ModelStore, open_store
from components.shared.run_claim import claim_record, release_record
from components.shared.storage.guarded_file import open_guarded
from components.shared.storage.transfers import open_bucket
from tests.components.ingest.dump.test_site import INDEX, make_status, serve_status
from tests.components.ingest.misbehaving_server import Answer, Server
from tests.mutations import NUM_MUTATIONS, fuzz

OUTPUTS = (
    "is_new", "found_dump", "found_checkpoint", "fingerprint", "inputs", "changes",
    "dump_checkpoints",
)  # fmt: skip


class Looker:
    """Looks, and notes what it found, as a scheduled run does."""

    def __init__(
        self, folder: Path, dump: str, record: str, dump_site: str = "http://none", **settings
    ) -> None:
        self.folder, self.dump, self.record, self.dump_site = folder, dump, record, dump_site
        self.settings = settings

    def look(self) -> tuple[bool, str]:
        """Whether it is new, and the dump that was found."""
        outputs = {name: self.folder / name for name in OUTPUTS}
        look(
            LookConfig(
                dump=self.dump,
                record=self.record,
                dump_site=self.dump_site,
                max_retries=0,
                timeout_seconds=60,
                checkpoint_directory="s3://bucket/checkpoints/",
                **self.settings,
                **outputs,
            )
        )
        return json.loads(outputs["is_new"].read_text()), outputs["found_dump"].read_text()

    def note(self) -> None:
        """Note what was found."""
        found, fingerprint, inputs = (
            (self.folder / name).read_text() for name in ("found_dump", "fingerprint", "inputs")
        )
        record(RecordConfig(dump=found, fingerprint=fingerprint, inputs=inputs, record=self.record))

    def changes(self) -> list[str]:
        """Look, and return what is told of each input."""
        self.look()
        changed = json.loads((self.folder / "changes").read_text())["changed"]
        return changed.split(", ") if changed else []


@pytest.fixture(params=["folder", "gs", "s3"])
def place(request, tmp_path, stores) -> str:
    """Where the record is."""
    if request.param == "folder":
        return str(tmp_path / "volume" / "last.json")
    return f"{request.param}://data/retraining/last.json"


@pytest.fixture
def site(server: Server) -> str:
    server.serve("/testwiki/", Answer(INDEX.encode()))
    serve_status(server, "20261001", make_status("20261001", status="in-progress"))
    serve_status(server, "20260901", make_status("20260901"))
    return server.serve("", Answer())


def test_a_dump_is_new_until_it_is_noted(tmp_path, place, site):
    """A look alone notes nothing: a run that failed is followed by another."""
    looker = Looker(tmp_path, "testwiki-latest", place, site)

    looks = [looker.look(), looker.look()]
    looker.note()
    looks.append(looker.look())

    assert looks == [(True, "testwiki-20260901")] * 2 + [(False, "testwiki-20260901")]


def test_the_next_finished_dump_is_new(tmp_path, server, site):
    """By its date, so that the run that follows takes this one and no later one."""
    looker = Looker(tmp_path, "testwiki-latest", str(tmp_path / "last.json"), site)
    looker.look()
    looker.note()
    serve_status(server, "20261001", make_status("20261001", content=b"more"))

    assert looker.look() == (True, "testwiki-20261001")


def test_each_dump_has_its_checkpoints(tmp_path, server, site):
    """The same ones until it is another."""
    looker = Looker(tmp_path, "testwiki-latest", str(tmp_path / "last.json"), site)
    folders = []
    for content in (b"one", b"one", b"two"):
        serve_status(server, "20261001", make_status("20261001", content=content))
        looker.look()
        folders.append((tmp_path / "dump_checkpoints").read_text())

    assert folders[0] == folders[1] != folders[2]
    assert folders[0].startswith("s3://bucket/checkpoints/data-")


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


def look_in_run(folder: Path, record: str, run: str, dump: str, **settings) -> dict:
    """Look as a step of a run, and return what is told."""
    step = folder / run / "look-for-dump"
    step.mkdir(parents=True, exist_ok=True)
    Looker(step, dump, record, **settings).look()
    return json.loads((step / "changes").read_text())


def test_a_second_run_ends_while_the_first_one_works(tmp_path, place, files):
    """A retried look finds its own run's claim; the end of that run frees the record."""
    first, again, second = (
        look_in_run(tmp_path, place, run, files["dump"]) for run in ("run-1", "run-1", "run-2")
    )
    release_record(place, "run-2")  # the second run's last step
    third = look_in_run(tmp_path, place, "run-3", files["dump"])
    release_record(place, "run-1")
    fourth = look_in_run(tmp_path, place, "run-4", files["dump"])

    statuses = [one["status"] for one in (first, again, second, third, fourth)]
    assert statuses == ["new", "new", "already_running", "already_running", "new"]
    assert second["summary"].startswith(f"already running: run run-1 works on {place} since 20")
    assert second["summary"].endswith(f"remove {place}.running")
    step = tmp_path / "run-2" / "look-for-dump"
    assert (step / "is_new").read_text() == "false"
    assert all((step / name).exists() for name in OUTPUTS)


def test_a_second_run_may_wait(tmp_path, place, files, monkeypatch, capsys):
    """It looks when the first one has ended, so that it sees what that one recorded."""
    monkeypatch.setattr(look_module, "_SECONDS_BETWEEN_TRIES", 0.05)
    look_in_run(tmp_path, place, "run-1", files["dump"])

    def end() -> None:
        Looker(tmp_path / "run-1" / "look-for-dump", files["dump"], place).note()
        release_record(place, "run-1")

    ending = threading.Timer(0.5, end)
    ending.start()
    second = look_in_run(tmp_path, place, "run-2", files["dump"], when_running="wait")
    ending.join()

    assert second["status"] == "nothing_new"
    assert capsys.readouterr().out.count("waiting: already running: run run-1") == 1


def test_a_run_without_a_word_of_its_end_is_passed_over(tmp_path, place, files):
    """After some days: its cluster was lost."""
    claim_record(place, "run-1", max_hours=1)
    claim = open_guarded(f"{place}.running")
    found = claim.read()
    old = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    claim.replace(json.dumps({"run": "run-1", "since": old}), tag=found[1])

    running = look_in_run(tmp_path, place, "run-2", files["dump"], max_run_hours=4.0)
    passed = look_in_run(tmp_path, place, "run-3", files["dump"], max_run_hours=2.0)

    assert (running["status"], passed["status"]) == ("already_running", "new")


def test_a_look_that_fails_keeps_nobody_waiting(tmp_path, place):
    """Nor does one that finds nothing new."""
    with pytest.raises(InputError):
        look_in_run(tmp_path, place, "run-1", str(tmp_path / "none.xml"))

    assert open_guarded(f"{place}.running").read() is None


@pytest.mark.parametrize("text", ["{", "[]", '{"run": "run-1", "since": "yesterday"}'])
def test_a_damaged_claim_is_told(tmp_path, files, text):
    """With what to do."""
    (tmp_path / "last.json.running").write_text(text)

    with pytest.raises(InputError, match=r"last\.json\.running: .*; remove it if no run is under"):
        look_in_run(tmp_path, str(tmp_path / "last.json"), "run-1", files["dump"])


def test_a_file_in_a_store_is_new_when_it_was_replaced(tmp_path, stores):
    """Files that a pattern matches: also when one came."""
    (tmp_path / "x").write_bytes(b"x")
    bucket = open_bucket("s3://data/dumps")
    bucket.upload(tmp_path / "x", "a.xml")
    looker = Looker(tmp_path, "s3://data/dumps/*.xml", str(tmp_path / "last.json"))
    looks = []
    for name, content in (("a.xml", b"x"), ("a.xml", b"y"), ("b.xml", b"y")):
        (tmp_path / "x").write_bytes(content)
        bucket.upload(tmp_path / "x", name)
        looks.append(looker.look()[0])
        looker.note()
        looks.append(looker.look()[0])

    assert looks == [True, False] * 3


def test_a_file_on_the_web_is_new_by_its_headers(tmp_path, server):
    """Its ETag here; its bytes are not fetched."""
    address = server.serve("/a.xml", Answer(b"one"))
    looker = Looker(tmp_path, address, str(tmp_path / "last.json"))
    looker.look()
    looker.note()
    again = looker.look()
    server.serve("/a.xml", Answer(b"two"))

    assert (again, looker.look()) == ((False, address), (True, address))


def test_a_file_on_disk_is_new_when_it_was_written(tmp_path):
    """By its size and time."""
    path = tmp_path / "a.xml"
    path.write_bytes(b"one")
    looker = Looker(tmp_path, str(path), str(tmp_path / "last.json"))
    looker.look()
    looker.note()
    again = looker.look()
    os.utime(path, ns=(1, 1))

    assert (again[0], looker.look()[0]) == (False, True)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "a.xml: the server answers 404"), (500, "answers 500")]
)
def test_a_file_that_is_not_there_is_told(tmp_path, server, status, said):
    """Nothing is written: the run does not go on."""
    address = server.serve("/a.xml", Answer(status=status))

    with pytest.raises(InputError, match=said):
        Looker(tmp_path, address, str(tmp_path / "last.json")).look()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"dump": "enwiki-20261001"}'])
def test_another_file_than_a_record_is_refused(tmp_path, text):
    """Rather than trained over."""
    (tmp_path / "last.json").write_text(text)

    with pytest.raises(InputError, match=r"last\.json: .*; name another file, or remove it"):
        Looker(tmp_path, "a.xml", str(tmp_path / "last.json")).look()


def test_an_empty_record_is_refused(tmp_path):
    """Before any look."""
    with pytest.raises(InputError, match="record is empty"):
        Looker(tmp_path, "a.xml", " ").look()


@pytest.mark.parametrize("record_at", ["s3:/bucket/last.json", "gcs://bucket/x", "https://x/y"])
def test_a_record_that_would_be_lost_with_the_pod_is_refused(tmp_path, record_at):
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

    with pytest.raises(InputError, match=f"{at}: .*file is no folder; give"):
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
