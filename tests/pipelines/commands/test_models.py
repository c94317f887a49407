"""`python -m pipelines models`: the released models, on a disk."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.shared.checkpoints.checkpoint_manifest import fingerprint, write_manifest
from components.shared.checkpoints.lineage import LINEAGE, compose_lineage, read_lineage
from components.shared.model_store import store as model_store
from components.shared.model_store.layout import NotedDecision
from components.shared.model_store.store import ModelStore, open_store
from tests.pipelines.cli import run_command

DATASET = '{"format_version": 1}\n'
TRAIN = "questions to train on"


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return open_store(str(tmp_path / "store"))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_checkpoint(
    folder: Path,
    label: str,
    inputs: str,
    initial: Path | None,
    dataset: str = "",
    makes_model: bool = False,
) -> Path:
    """Write what a training writes."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text(label, encoding="utf-8")
    text = compose_lineage(
        label=label,
        settings={},
        inputs=inputs,
        initial=initial,
        dataset=dataset,
        makes_model=makes_model,
    )
    (folder / LINEAGE).write_text(text, encoding="utf-8")
    write_manifest(folder, step=1)
    return folder


@pytest.fixture
def release(store, tmp_path, monkeypatch):
    """Release a model with an F1; each a second after the one before."""
    names = (f"202601{number:02}T000000Z" for number in range(1, 29))
    monkeypatch.setattr(
        model_store, "name_version", lambda checksum: f"{next(names)}-{checksum[:8]}"
    )

    def release_one(f1: float, *, from_current: bool = False) -> str:
        folder = tmp_path / f"made-{f1}"
        current = store.find_current() if from_current else None
        initial = store.fetch(current, folder / "current") / "model" if current else None
        dataset = DATASET.replace("}", f', "month": {f1}}}') if from_current else DATASET
        pretrained = write_checkpoint(
            folder / "pretrained", "Pretraining", hash_text(dataset), initial, dataset
        )
        content = folder / "content" / "model"
        model = write_checkpoint(
            content, f"Fine-tuning to {f1:g}", hash_text(TRAIN), pretrained, makes_model=True
        )
        links = read_lineage((model / LINEAGE).read_text("utf-8"), source=LINEAGE).links
        version = store.publish(
            folder / "content",
            {
                "task": "question answering",
                "scores": {"f1": f1, "exact": 70.0, "questions_per_second": 3.0},
                "fingerprint": fingerprint(model),
                "data": {"train.json": hash_text(TRAIN)},
                "trainings": [{"label": link.label, "inputs": link.inputs} for link in links],
            },
        )
        store.switch(version, expected=store.find_current())
        now = datetime.now(UTC).isoformat()
        store.note(NotedDecision(decided=now, fingerprint=fingerprint(model), version=version))
        return version

    return release_one


def test_all_versions_are_listed_with_their_scores(store, release):
    """The newest first; which is in use is marked."""
    one, two = release(80.0), release(81.25)

    done = run_command("models", "list", "--model-store", store)

    assert done.returncode == 0
    assert [line.split() for line in done.lines] == [
        ["VERSION", "TASK", "SCORES"],
        ["in", "use", two, "question", "answering", "exact", "70,", "f1", "81.25"],
        ["was", one, "question", "answering", "exact", "70,", "f1", "80"],
    ]


def test_versions_are_listed_as_json(store, release):
    """With all scores; an empty store has none."""
    empty = run_command("models", "list", "--model-store", store, "--output", "json")
    version = release(80.0)

    (row,) = json.loads(
        run_command("models", "list", "--model-store", store, "--output", "json").stdout
    )

    assert json.loads(empty.stdout) == []
    assert (row["version"], row["state"], row["scores"]["f1"]) == (version, "in use", 80.0)


def test_an_empty_store_is_told(store):
    """It is no error to look into it; there is nothing to show."""
    listed = run_command("models", "list", "--model-store", store)
    shown = run_command("models", "show", "--model-store", store)

    assert (listed.returncode, listed.lines) == (0, [f"{store}: no model was released yet"])
    assert shown.returncode == 2
    assert shown.last_error == (
        f"models: error: {store}: no model is in use; a run with --model-store releases the first"
    )


def test_what_is_in_use_is_shown_or_another_version(store, release):
    """All of model.json."""
    one, two = release(80.0), release(81.25)

    shown = run_command("models", "show", "--model-store", store)
    other = run_command("models", "show", "--model-store", store, "--version", one)

    assert json.loads(shown.stdout) == store.describe(two)
    assert json.loads(other.stdout)["scores"]["f1"] == 80


def test_a_rollback_goes_back_one_by_one_or_to_a_version(store, release):
    """And says what it did."""
    one, two, three = release(80.0), release(81.0), release(82.0)

    back = run_command("models", "rollback", "--model-store", store)
    assert (back.lines, store.find_current()) == ([f"{two} is in use, in place of {three}"], two)
    run_command("models", "rollback", "--model-store", store)
    assert store.find_current() == one
    none_left = run_command("models", "rollback", "--model-store", store)
    assert none_left.last_error.endswith(f"no older version than {one} was in use; give --version")
    run_command("models", "rollback", "--model-store", store, "--version", three)
    assert store.find_current() == three


def test_every_link_of_a_model_is_verified(store, release, tmp_path):
    """From its files to the dataset, and to files that are given."""
    version = release(80.0)
    (tmp_path / "train.json").write_text(TRAIN, encoding="utf-8")

    done = run_command("models", "verify", "--model-store", store, "--data", tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.lines[0] == "files: as model.json has them"
    assert done.lines[2].startswith(f"Fine-tuning to 80: on {hash_text(TRAIN)[:12]}, from ")
    assert done.lines[3] == f"Pretraining: on {hash_text(DATASET)[:12]}, from random weights"
    assert done.lines[-2:] == [
        f"{tmp_path / 'train.json'}: as model.json has it", f"{version}: every link holds"
    ]  # fmt: skip


@pytest.fixture
def year(store, release) -> list[str]:
    """Twelve versions, each trained from the one before, of which the newest three are kept."""
    versions = []
    for month in range(12):
        versions.append(release(70.0 + month, from_current=True))
        store.prune(3)
    return versions


def test_a_year_of_retrainings_is_followed(store, year):
    """Through the versions that were removed; a version does not grow with those before it."""
    done = run_command("models", "verify", "--model-store", store)

    assert done.returncode == 0, done.stderr
    assert store.list_versions() == year[-3:]
    followed = [line for line in done.lines if line.endswith("the model that this started from")]
    assert [line.partition(":")[0] for line in followed] == year[-2::-1]
    assert [line for line in done.lines if line.startswith("Fine-tuning to 70: ")]
    assert done.lines[-1] == f"{year[-1]}: every link holds"
    sizes = {len(store.read(version, "model/lineage.json")) for version in year[-3:]}
    assert max(sizes) - min(sizes) < 10


def test_the_first_break_of_a_year_is_named(store, year):
    """An altered lineage of a version that was removed, one that is missing, one of elsewhere."""
    kept = Path(str(store)) / "lineages"
    second = next(path for path in kept.iterdir() if "to 71" in path.read_text("utf-8"))
    text = second.read_text("utf-8")

    second.write_text(text.replace("to 71", "to 99"), encoding="utf-8")
    altered = run_command("models", "verify", "--model-store", store)
    second.unlink()
    missing = run_command("models", "verify", "--model-store", store)
    for decision in (Path(str(store)) / "decisions").iterdir():
        decision.unlink()
    elsewhere = run_command("models", "verify", "--model-store", store)

    assert (altered.returncode, missing.returncode, elsewhere.returncode) == (2, 2, 0)
    assert altered.last_error.endswith(f"lineages/{second.name}: altered since it was written")
    assert missing.last_error.endswith(
        f"Pretraining: the lineage.json of {year[1]}, which it started from, is missing"
    )
    assert elsewhere.lines[-2].endswith(": unknown, as it was not released here")


def forge(store: ModelStore, version: str, name: str, old: str, new: str) -> None:
    """Alter a file of a version, and the checksums of it that stand beside it."""
    folder = Path(str(store)) / "versions" / version
    path = folder / name
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    model = folder / "model"
    os.remove(model / "checkpoint.json")
    write_manifest(model, step=1)
    described = json.loads((folder / "model.json").read_text("utf-8"))
    described["files"] = {
        file: hashlib.sha256((folder / file).read_bytes()).hexdigest()
        for file in described["files"]
    }
    described["fingerprint"] = fingerprint(model)
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("model/lineage.json", '"label": "Pretraining"', '"label": "Other"',
         "Fine-tuning to 80: Other, which it started from, was altered"),
        ("model/lineage.json", hash_text(TRAIN), "0" * 64, "names other trainings than"),
        ("model.json", hash_text(TRAIN), "0" * 64, "names other trainings than"),
        ("model.json", '"train.json": "' + hash_text(TRAIN), '"train.json": "' + "0" * 64,
         "Fine-tuning to 80: was trained on other data than model.json names"),
    ],
)  # fmt: skip
def test_a_forged_link_is_named(store, release, name, old, new, said):
    """Though the checksums above it fit."""
    version = release(80.0)
    forge(store, version, name, old, new)

    done = run_command("models", "verify", "--model-store", store)

    assert done.returncode == 2
    assert said in done.last_error


def test_an_altered_file_is_named(store, release):
    """By the version's own checksums."""
    version = release(80.0)
    path = Path(str(store)) / "versions" / version / "model" / "vocab.txt"
    path.write_text("other", encoding="utf-8")

    done = run_command("models", "verify", "--model-store", store)

    assert f"{version}/model/vocab.txt: altered since it was published" in done.last_error


def test_other_data_is_named(store, release, tmp_path):
    """Missing files, too."""
    release(80.0)
    words = ("models", "verify", "--model-store", store, "--data", tmp_path)

    missing = run_command(*words)
    (tmp_path / "train.json").write_text("other", encoding="utf-8")
    other = run_command(*words)

    assert "train.json: no such file; give the folder that has train.json" in missing.last_error
    assert "train.json is not the file that it was trained on" in other.last_error


def test_flags_that_an_action_does_not_take_are_rejected(store):
    """In one line."""
    listed = run_command("models", "list", "--model-store", store, "--version", "x")
    shown = run_command("models", "show", "--model-store", store, "--data", "x")
    verified = run_command("models", "verify", "--model-store", store, "--output", "json")

    assert listed.last_error == "models: error: --version: list shows all; use show for one"
    assert shown.last_error == "models: error: --data: only verify takes it, not show"
    assert verified.last_error == (
        "models: error: --output: only list and show print JSON, not verify"
    )
