"""models: list, show, verify and roll back the released models."""

import argparse
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.documents import expect_shape
from components.shared.errors import InputError
from components.shared.model_store.store import ModelStore, open_store
from components.shared.model_store.verification import verify
from components.shared.scores import QUESTION_ANSWERING, TASK_TO_SCORES

# SQuAD's scores, and the main one of each other task.
_SHOWN_SCORES = (
    *TASK_TO_SCORES[QUESTION_ANSWERING].labels,
    *(one.main for task, one in TASK_TO_SCORES.items() if task != QUESTION_ANSWERING),
)


@dataclass(frozen=True)
class _Described:
    task: str = ""
    scores: dict[str, float] = field(default_factory=dict)


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models",
        help="list, show, verify or roll back the released models",
        description="list: all versions, with scores. show: a version's model.json. rollback: "
        "put an older version, or --version, in use. verify: follow a version from its weights "
        "back to the data, and name the first link that does not hold.",
    )
    parser.add_argument("action", choices=("list", "show", "rollback", "verify"))
    parser.add_argument(
        "--model-store", required=True, help="where models are released to: a folder, gs://, s3://"
    )
    parser.add_argument(
        "--version",
        default="",
        help="default: the one in use; of rollback, the newest older one that was in use",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="verify only: folder with the train and dev files of the run, compared as well",
    )
    parser.set_defaults(function=run_action)


def run_action(action: str, model_store: str, version: str, data: Path | None) -> int:
    """Run the action."""
    if data is not None and action != "verify":
        raise InputError(f"--data: only verify takes it, not {action}")
    store = open_store(model_store)
    if action == "list":
        if version:
            raise InputError("--version: list shows all; use show for one")
        return _list(store)
    if action == "rollback":
        return _roll_back(store, version)
    version = version or _expect_current(store)
    return _show(store, version) if action == "show" else _verify(store, version, data)


def _list(store: ModelStore) -> int:
    current, previous = store.find_current(), store.list_previous()
    table = [("", "VERSION", "TASK", "SCORES")]
    for version in reversed(store.list_versions()):
        described = expect_shape(store.describe(version), _Described, source=version)
        shown = [
            f"{name} {described.scores[name]:.4g}"
            for name in _SHOWN_SCORES
            if name in described.scores
        ]
        mark = "in use" if version == current else "was" if version in previous else "never used"
        table.append((mark, version, described.task, ", ".join(shown)))
    if len(table) == 1:
        print(f"{store}: no model was released yet")
        return 0
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return 0


def _show(store: ModelStore, version: str) -> int:
    print(json.dumps(store.describe(version), indent=2, ensure_ascii=False))
    return 0


def _roll_back(store: ModelStore, version: str) -> int:
    current = _expect_current(store)
    used = {*store.list_previous()} & {*store.list_versions()}
    older = [one for one in used if one < current]
    if not version and not older:
        raise InputError(f"{store}: no older version than {current} was in use; give --version")
    chosen = version or max(older)
    if chosen == current:
        print(f"{chosen} is in use already")
        return 0
    store.switch(chosen, expected=current)
    print(f"{chosen} is in use, in place of {current}")
    return 0


def _verify(store: ModelStore, version: str, data: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="verify-", ignore_cleanup_errors=True) as scratch:
        for line in verify(store, version, Path(scratch), data):
            print(line, flush=True)
    print(f"{version}: every link holds")
    return 0


def _expect_current(store: ModelStore) -> str:
    current = store.find_current()
    if current is None:
        raise InputError(
            f"{store}: no model is in use; a run with --model-store releases the first"
        )
    return current
