"""models: list, show, verify or roll back the released models."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from components.shared.errors import InputError
from components.shared.files.documents import expect_shape
from components.shared.model_store.store import ModelStore, open_store
from components.shared.model_store.verification import verify
from components.shared.reports.score_names import QUESTION_ANSWERING, TASK_TO_SCORES
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional, Rare
from pipelines.commands.output import Output, print_table

# SQuAD's scores, and the main one of each other task.
_SHOWN_SCORES = (
    *TASK_TO_SCORES[QUESTION_ANSWERING].labels,
    *(one.main for task, one in TASK_TO_SCORES.items() if task != QUESTION_ANSWERING),
)


@dataclass(frozen=True)
class _Described:
    task: str = ""
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelsSettings:
    """List, show, verify or roll back the released models."""

    action: Positional[Literal["list", "show", "rollback", "verify"]]
    """list: all versions, with scores. show: a version's model.json. rollback: put an older
    version, or --version, in use. verify: follow a version from its weights back to the data, and
    name the first link that does not hold."""
    model_store: str
    """Where models are released to: a folder, gs://, s3://."""
    version: str = ""
    """Empty means the version in use; in a rollback, the newest older one that was in use."""
    data: Path | None = None
    """Folder with the train and dev files of the run. Only verify takes it, and compares them as
    well."""

    output: Rare[Output] = "text"
    """How list prints the versions; show prints JSON in any case."""

    def __post_init__(self) -> None:
        """Validate the settings that only some actions take."""
        if self.data is not None and self.action != "verify":
            raise InputError(f"--data: only verify takes it, not {self.action}")
        if self.output == "json" and self.action not in ("list", "show"):
            raise InputError(f"--output: only list and show print JSON, not {self.action}")
        if self.version and self.action == "list":
            raise InputError("--version: list shows all; use show for one")


def main(arguments: Sequence[str]) -> int:
    """Carry out an action on a model store."""
    settings = parse_config(ModelsSettings, arguments, prog="python -m pipelines models")
    store = open_store(settings.model_store)
    if settings.action == "list":
        return _list(store, settings.output)
    if settings.action == "rollback":
        return _roll_back(store, settings.version)
    version = settings.version or _expect_current(store)
    if settings.action == "show":
        return _show(store, version)
    return _verify(store, version, settings.data)


def _list(store: ModelStore, output: Output) -> int:
    current, previous = store.find_current(), store.list_previous()
    table, rows = [("", "VERSION", "TASK", "SCORES")], []
    for version in reversed(store.list_versions()):
        described = expect_shape(store.describe(version), _Described, source=version)
        shown = [
            f"{name} {described.scores[name]:.4g}"
            for name in _SHOWN_SCORES
            if name in described.scores
        ]
        mark = "in use" if version == current else "was" if version in previous else "never used"
        table.append((mark, version, described.task, ", ".join(shown)))
        rows.append({"version": version, "state": mark, **asdict(described)})
    if output == "json":
        print(json.dumps(rows, indent=2))
    elif rows:
        print_table(table)
    else:
        print(f"{store}: no model was released yet")
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
