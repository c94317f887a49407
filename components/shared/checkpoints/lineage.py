"""lineage.json: how a checkpoint came to be, training by training; free of TensorFlow.

A link is written by each training, before those of the checkpoint it started from. It holds that
checkpoint's checkpoint.json, which has the SHA-256 of its weights and of its own lineage.json: so
a link can't be altered without breaking the chain above it, whose top is the checkpoint.json of
the folder that the file lies in.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.shared.checkpoints.checkpoint_manifest import MANIFEST, fingerprint
from components.shared.files.documents import decode_json
from components.shared.files.formats import WRITER, WRITER_KEY, decode_stamped, load_stamped, stamp

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
    """A training."""

    label: str
    code: str
    image: str
    """By its digest, where it is known."""
    settings: dict[str, Any]
    inputs: str
    """SHA-256 of what was trained on: a file of questions or sentences, or a dataset.json."""
    dataset: str = ""
    """The text of that dataset.json, which has the checksums of shards, dumps and other text;
    "" where the link below has it, and for questions and sentences."""
    initial: Initial | None = None
    """None where the weights were drawn at random."""


@dataclass(frozen=True)
class _Document:
    links: tuple[Link, ...]


def compose_lineage(
    *,
    label: str,
    settings: Mapping[str, Any],
    inputs: str,
    initial: Path | None,
    dataset: str = "",
) -> str:
    """Return the text of lineage.json for a training's checkpoint.

    Args:
        label: names the training.
        settings: those that decide its result.
        inputs: the SHA-256 of what is trained on.
        initial: the checkpoint folder of the first weights; None where they are random.
        dataset: the text of the dataset.json that `inputs` is the SHA-256 of.
    """
    below: tuple[Link, ...] = ()
    started_from = None
    if initial is not None:
        manifest, lineage = initial / MANIFEST, initial / LINEAGE
        text = manifest.read_text("utf-8") if manifest.exists() else ""
        started_from = Initial(fingerprint(initial), text)
        if lineage.exists():
            below = load_stamped(lineage, _Document, kind=LINEAGE).links
    is_known = any(link.inputs == inputs for link in below)
    link = Link(
        label=label,
        code=WRITER,
        image=os.environ.get(IMAGE_VARIABLE, ""),
        settings=dict(settings),
        inputs=inputs,
        dataset="" if is_known else dataset,
        initial=started_from,
    )
    return _compose((link, *below))


def read_links(text: str, *, source: str) -> tuple[Link, ...]:
    """Return the links of a lineage.json, the newest first.

    Raises:
        InputError: if it is not one.
    """
    return decode_stamped(text, _Document, kind=LINEAGE, source=source).links


def find_break(links: Sequence[Link]) -> str:
    """Follow the chain, and return what is wrong with the first link that does not hold.

    Returns:
        A sentence that names the link; "" if all hold.
    """
    for place, link in enumerate(links):
        below = links[place + 1 :]
        problem = _find_problem(link, below)
        if problem:
            return f"{link.label}: {problem}"
    return ""


def _find_problem(link: Link, below: Sequence[Link]) -> str:
    if link.dataset and _hash(link.dataset) != link.inputs:
        return "its dataset.json is not the one that was trained on"
    if link.initial is None or not link.initial.manifest:
        return "it names no checkpoint that the links below are of" if below else ""
    if _hash(link.initial.manifest) != link.initial.fingerprint:
        return "the checkpoint.json of the weights it started from was altered"
    source = f"the {MANIFEST} under {link.label}"
    checksums = decode_json(link.initial.manifest, dict[str, Any], source=source)["sha256"]
    if bool(below) != (LINEAGE in checksums):
        return "the links below it are missing" if not below else "the links below it were added"
    if below and checksums[LINEAGE] not in map(_hash, _list_forms(below)):
        return f"{below[0].label}, which it started from, was altered"
    return ""


def _compose(links: Sequence[Link]) -> str:
    """Return the text that the release of the newest link writes."""
    stamped = {**stamp(LINEAGE), WRITER_KEY: links[0].code}
    return _dump(stamped, links)


def _list_forms(links: Sequence[Link]) -> list[str]:
    """Return the texts that links may have been written as: the first builds named no writer."""
    return [_compose(links), _dump({"format": 1}, links)]


def _dump(stamped: Mapping[str, Any], links: Sequence[Link]) -> str:
    document = {**stamped, "links": [asdict(link) for link in links]}
    return json.dumps(document, indent=1) + "\n"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
