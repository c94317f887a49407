"""The structure of each kept file: which keys there are, and of which types, by format number.

    .venv/bin/python -m tests.compatibility.structures

writes all files with this checkout's commands, and records the structure of new numbers in
structures.json. A number that is recorded stays as it is.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.pretrain.config import PretrainConfig
from components.shared.files.formats import FORMATS, NUMBER_KEY
from components.shared.run_claim import claim_record
from components.shared.stage.settings import list_settings
from pipelines.cleaning.clean_settings import CleanSchedule
from pipelines.cleaning.last_clean import note_clean
from pipelines.kubeflow.schedules import Schedule
from pipelines.local.environments import REPOSITORY
from tests.compatibility.write import Stages, write_artifacts

RECORDED = Path(__file__).with_name("structures.json")
# Where each kind's files are, among the artifacts; the first has no name in the structure.
_KIND_TO_FILES = {
    "bert-clean.json": ("bert-clean.json",),
    "checkpoint.json": ("**/checkpoint.json",),
    "current.json": ("models/current.json",),
    "dataset.json": ("**/dataset.json",),
    "decision": ("models/decisions/*.json",),
    "dump.json": ("dump/dump.json",),
    "history.jsonl": ("*/history.jsonl",),
    "lineage.json": ("*/checkpoint/lineage.json",),
    "model.json": ("models/versions/*/model.json", "models/versions/*/question_scores.json"),
    "record": ("trained-on.json",),
    "record.running": ("trained-on.json.running",),
    "run.json": ("interrupted/*/step-*/run.json", "interrupted/*/step-*/trainer.json"),
    "sentences.json": ("sentences/sentences.json", "sentences/train.jsonl"),
    "text.json": ("text/text.json",),
    "training.lock": ("interrupted/training.lock",),
}
# Their keys are names of files, lengths, scores and the like.
_MAPS = {
    "checkpoint.json": ("sha256",),
    "dataset.json": (
        "documents", "lengths", "held_out", "corpora", "corpora.*.documents", "corpora.*.lengths"
    ),
    "decision": ("scores",),
    "model.json": (
        "data", "decision.minimums", "files", "scores", "question_scores.json: question_scores"
    ),
    "record": ("inputs",),
    "sentences.json": ("num_rows",),
}  # fmt: skip
# Settings, which each release may add to, and what is another file's.
_OPAQUE = {
    "dataset.json": ("configuration", "versions", "corpora.*.source"),
    "lineage.json": ("links[].settings",),
    "model.json": ("evaluation", "trainings[].settings", "trainings[].dataset"),
    # Empty in a state that is saved as a line of the history is written.
    "run.json": tuple(f"trainer.json: window.{name}" for name in ("counts", "names", "sums")),
    "schedules.yaml": ("schedules[].parameters",),
}


def write_all(folder: Path) -> None:
    """Write a file of each kind with this checkout's code."""
    write_artifacts(Stages(REPOSITORY, folder))
    # Only a run on Kubeflow claims its record.
    assert claim_record(str(folder / "trained-on.json"), "a-run", max_hours=1) is None
    note_clean(str(folder), datetime.now(UTC), ["remove  bert/1: 3 B"])


def find_structures(folder: Path) -> dict[str, list[str]]:
    """Return the structure of each kind of file in a folder of artifacts."""
    found = {kind: _find_structure(kind, folder) for kind in _KIND_TO_FILES}
    schedule = asdict(Schedule(name="a", pipeline="b", cron="c"))
    clean = CleanSchedule(
        cron="0 0 3 * * *", root="s3://b/r", model_store=("s3://b/m",), scratch=("s3://b/s",)
    )
    people = {
        NUMBER_KEY: FORMATS["schedules.yaml"],
        "schedules": [schedule],
        "clean": json.loads(json.dumps(asdict(clean))),
    }
    return {**found, "schedules.yaml": sorted(set(_walk("schedules.yaml", people, "")))}


def _find_structure(kind: str, folder: Path) -> list[str]:
    lines: set[str] = set()
    for index, pattern in enumerate(_KIND_TO_FILES[kind]):
        paths = sorted(folder.glob(pattern))
        assert paths, f"no file {pattern} in {folder}"
        for path in paths:
            text = path.read_text("utf-8")
            documents = text.splitlines() if path.suffix == ".jsonl" else [text]
            for document in map(json.loads, documents):
                lines |= set(_walk(kind, document, f"{path.name}: " if index else ""))
    if kind == "run.json":  # beside what is listed there, the settings
        settings = list_settings(PretrainConfig)
        lines = {line for line in lines if line.partition(": ")[0] not in settings}
    return sorted(lines)


def _walk(kind: str, value: Any, place: str) -> Iterator[str]:
    if place in _OPAQUE.get(kind, ()):
        yield f"{place}: any"
    elif isinstance(value, dict):
        if place and not place.endswith(": "):
            yield f"{place}: object"
        for key, item in value.items():
            name = "*" if place in _MAPS.get(kind, ()) else key
            separator = "." if place and not place.endswith(": ") else ""
            yield from _walk(kind, item, f"{place}{separator}{name}")
    elif isinstance(value, list):
        yield f"{place}: list"
        for item in value:
            yield from _walk(kind, item, f"{place}[]")
    else:
        yield f"{place}: {'null' if value is None else type(value).__name__}"


def main() -> None:
    """Record the structure of the numbers that have none yet."""
    recorded = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    with tempfile.TemporaryDirectory(prefix="structures-") as folder:
        write_all(Path(folder))
        for kind, structure in find_structures(Path(folder)).items():
            recorded.setdefault(kind, {}).setdefault(str(FORMATS[kind]), structure)
    text = json.dumps(recorded, indent=1, sort_keys=True) + "\n"
    RECORDED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
