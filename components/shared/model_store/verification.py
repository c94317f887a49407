"""Follows a version from its files back to the data, and finds the first link that is broken."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.shared.checkpoints.checkpoint_manifest import MANIFEST, check_files
from components.shared.checkpoints.lineage import LINEAGE, Lineage, find_break, read_lineage
from components.shared.errors import DamagedError, InputError
from components.shared.files.atomic import sha256
from components.shared.files.documents import load_json
from components.shared.model_store.layout import MODEL_JSON
from components.shared.model_store.store import ModelStore

MODEL = "model"
"""The folder of a version that has the model's checkpoint."""


@dataclass(frozen=True)
class _Described:
    fingerprint: str
    data: dict[str, str]
    trainings: tuple[dict[str, Any], ...] = ()


def verify(store: ModelStore, version: str, scratch: Path, data: Path | None) -> Iterator[str]:
    """Check one link after the other, and yield a sentence on each that holds.

    Args:
        store: that has the version.
        version: its name.
        scratch: a folder for its files.
        data: the folder of questions or sentences that it was trained and evaluated on, to be
            compared, too.

    Raises:
        DamagedError: naming the first link that does not hold.
    """
    folder = store.fetch(version, scratch / version)
    described = load_json(folder / MODEL_JSON, _Described)
    yield f"files: as {MODEL_JSON} has them"
    model = folder / MODEL
    check_files(model)
    if (model / MANIFEST).exists() and sha256(model / MANIFEST) != described.fingerprint:
        raise DamagedError(f"{version}: {MANIFEST} is not the one of the model that was released")
    yield f"weights: as {MANIFEST} has them, which {MODEL_JSON} names"
    yield from _verify_trainings(store, version, model / LINEAGE, described)
    if data is not None:
        yield from _verify_data(version, data, described)


def _verify_trainings(
    store: ModelStore, version: str, path: Path, described: _Described
) -> Iterator[str]:
    if not path.exists():
        yield f"trainings: unknown, as the checkpoint has no {LINEAGE}"
        return
    lineage = read_lineage(path.read_text("utf-8"), source=f"{version}, {LINEAGE}")
    links = lineage.links
    if [link.inputs for link in links] != [one.get("inputs") for one in described.trainings]:
        raise DamagedError(f"{version}: {MODEL_JSON} names other trainings than {LINEAGE}")
    if links and links[0].inputs not in described.data.values():
        raise DamagedError(
            f"{version}: {links[0].label}: was trained on other data than {MODEL_JSON} names"
        )
    yield from _follow(version, lineage)
    while checksum := lineage.model_before:
        oldest, released = lineage.links[-1], _find_released(store, lineage)
        text = store.find_lineage(checksum)
        if text is None and released:
            raise DamagedError(
                f"{version}: {oldest.label}: the {LINEAGE} of {released}, which it started from, "
                "is missing"
            )
        name = released or f"the model whose {LINEAGE} is {checksum[:12]}"
        if text is None:
            yield f"{name}: unknown, as it was not released here"
            return
        yield f"{name}: the model that this started from"
        lineage = read_lineage(text, source=f"{version}, {LINEAGE} of {name}")
        yield from _follow(version, lineage)


def _find_released(store: ModelStore, lineage: Lineage) -> str:
    """Return the version that a model started from, if it is noted; "" otherwise."""
    initial = lineage.links[-1].initial
    return next(
        (
            decision.version
            for decision in store.list_decisions()
            if initial and decision.version and decision.fingerprint == initial.fingerprint
        ),
        "",
    )


def _follow(version: str, lineage: Lineage) -> Iterator[str]:
    """Check the trainings of a model, and yield a sentence on each."""
    problem = find_break(lineage)
    if problem:
        raise DamagedError(f"{version}: {problem}")
    for link in lineage.links:
        start = link.initial.fingerprint[:12] if link.initial else "random weights"
        yield f"{link.label}: on {link.inputs[:12]}, from {start}"
        if link.dataset:
            digest = hashlib.sha256(link.dataset.encode()).hexdigest()
            yield f"dataset.json {digest[:12]}: names its shards, and the text they were made of"


def _verify_data(version: str, data: Path, described: _Described) -> Iterator[str]:
    for name, expected in described.data.items():
        path = data / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the folder that has {name}")
        if sha256(path) != expected:
            raise DamagedError(f"{version}: {path} is not the file that it was trained on")
        yield f"{path}: as {MODEL_JSON} has it"
