"""lineage.json: how a checkpoint came to be, training by training; free of TensorFlow.

A link is written by each training, and by the step that adds an int8 graph, before those of the
checkpoint it started from. It holds that checkpoint's checkpoint.json, which has the SHA-256 of
its weights and of its own lineage.json: so a link can't be altered without breaking the chain
above it, whose top is the checkpoint.json of the folder that the file lies in.

A training that starts from a finished model begins a new file, which names that model's by its
SHA-256: else the file would grow with each retraining. The model store keeps the files of all its
models, so that a chain can be followed from one to the next.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.shared.checkpoints.checkpoint_manifest import MANIFEST, fingerprint
from components.shared.errors import InputError
from components.shared.files.documents import decode_json
from components.shared.files.formats import (
    NUMBER_KEY,
    WRITER,
    WRITER_KEY,
    decode_stamped,
    load_stamped,
    stamp,
)

LINEAGE = "lineage.json"
IMAGE_VARIABLE = "STEP_IMAGE"
"""The environment variable that names the image a step runs in, by its digest."""


@dataclass(frozen=True)
class Initial:
    """The checkpoint that a training started from."""

    fingerprint: str
    manifest: str = ""
    """The text of its checkpoint.json; "" of a folder of others, which has none."""


@dataclass(frozen=True)
class Link:
    """A training, or the making of an int8 graph."""

    label: str
    code: str
    image: str
    """By its digest, where it is known."""
    settings: dict[str, Any]
    inputs: str
    """SHA-256 of what was trained or calibrated on: a file of questions or sentences, or a
    dataset.json."""
    dataset: str = ""
    """The text of that dataset.json, which has the checksums of shards, dumps and other text;
    "" where the link below has it, and for questions and sentences."""
    initial: Initial | None = None
    """None where the weights were drawn at random."""


@dataclass(frozen=True)
class Lineage:
    """The trainings since the model before."""

    links: tuple[Link, ...]
    """The newest first."""
    model_before: str = ""
    """SHA-256 of the lineage.json of the finished model that the first training started from; ""
    if it started from none, or from one without such a file."""
    is_of_model: bool = False
    """Whether the newest training made a finished model."""


def compose_lineage(
    *,
    label: str,
    settings: Mapping[str, Any],
    inputs: str,
    initial: Path | None,
    dataset: str = "",
    makes_model: bool = False,
    adds_to_model: bool = False,
) -> str:
    """Return the text of lineage.json for a training's checkpoint.

    Args:
        label: names the training.
        settings: those that decide its result.
        inputs: the SHA-256 of what is trained on.
        initial: the checkpoint folder of the first weights; None where they are random.
        dataset: the text of the dataset.json that `inputs` is the SHA-256 of.
        makes_model: whether it makes a finished model, rather than weights to go on with.
        adds_to_model: whether it adds a file to the finished model `initial`, whose weights stay:
            the link belongs to that model's file.
    """
    below = Lineage(())
    started_from = None
    if initial is not None:
        manifest, lineage = initial / MANIFEST, initial / LINEAGE
        text = manifest.read_text("utf-8") if manifest.exists() else ""
        started_from = Initial(fingerprint(initial), text)
        if lineage.exists():
            below = load_stamped(lineage, Lineage, kind=LINEAGE)
        if below.is_of_model and not adds_to_model:
            below = Lineage((), model_before=hashlib.sha256(lineage.read_bytes()).hexdigest())
    is_known = any(link.inputs == inputs for link in below.links)
    link = Link(
        label=label,
        code=WRITER,
        image=os.environ.get(IMAGE_VARIABLE, ""),
        settings=dict(settings),
        inputs=inputs,
        dataset="" if is_known else dataset,
        initial=started_from,
    )
    is_of_model = makes_model or adds_to_model
    return _compose(Lineage((link, *below.links), below.model_before, is_of_model))


def read_lineage(text: str, *, source: str) -> Lineage:
    """Parse a lineage.json.

    Raises:
        InputError: if it is not one.
    """
    lineage = decode_stamped(text, Lineage, kind=LINEAGE, source=source)
    if not lineage.links:
        raise InputError(f"{source}: links: expected at least one training, got []")
    return lineage


def find_break(lineage: Lineage) -> str:
    """Follow the chain, and return what is wrong with the first link that does not hold.

    Returns:
        A sentence that names the link; "" if all hold.
    """
    for place, link in enumerate(lineage.links):
        below = Lineage(lineage.links[place + 1 :], lineage.model_before)
        problem = _find_problem(link, below)
        if problem:
            return f"{link.label}: {problem}"
    return ""


def _find_problem(link: Link, below: Lineage) -> str:
    is_last = not below.links
    if link.dataset and _hash(link.dataset) != link.inputs:
        return "its dataset.json is not the one that was trained on"
    if link.initial is None or not link.initial.manifest:
        is_alone = is_last and not below.model_before
        return "" if is_alone else "it names no checkpoint that the links below are of"
    if _hash(link.initial.manifest) != link.initial.fingerprint:
        return "the checkpoint.json of the weights it started from was altered"
    source = f"the {MANIFEST} under {link.label}"
    checksums = decode_json(link.initial.manifest, dict[str, Any], source=source)["sha256"]
    checksum = checksums.get(LINEAGE, "")
    if is_last and below.model_before:
        return "" if checksum == below.model_before else "it started from another model"
    if is_last != (not checksum):
        return "the links below it are missing" if is_last else "the links below it were added"
    if not is_last and checksum not in map(_hash, _list_forms(below)):
        return f"{below.links[0].label}, which it started from, was altered"
    return ""


def _compose(lineage: Lineage) -> str:
    """Return the text that the release of the newest link writes."""
    stamped = {**stamp(LINEAGE), WRITER_KEY: lineage.links[0].code}
    return _dump({**stamped, **asdict(lineage)})


def _list_forms(lineage: Lineage) -> list[str]:
    """Return the texts that links may have been written as.

    They are a finished model's where the link above has added to it. Format 1 had nothing but
    links, and the first builds named no writer.
    """
    links = [asdict(link) for link in lineage.links]
    first = {NUMBER_KEY: 1, WRITER_KEY: lineage.links[0].code}
    earlier = (
        [] if lineage.model_before else [{**first, "links": links}, {"format": 1, "links": links}]
    )
    finished = replace(lineage, is_of_model=True)
    return [_compose(lineage), _compose(finished), *map(_dump, earlier)]


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
