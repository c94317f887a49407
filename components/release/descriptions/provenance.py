"""Where a model comes from, as its version's model.json says."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.release.comparison.candidate import Candidate
from components.release.comparison.gate import Decision
from components.shared.checkpoints.lineage import LINEAGE, Link, read_lineage
from components.shared.files.documents import decode_json
from components.shared.files.formats import WRITER


def describe_model(candidate: Candidate, decision: Decision, in_use: str | None) -> dict[str, Any]:
    """Return what model.json says beside the checksums of the version's files.

    Args:
        candidate: the model.
        decision: why it is released.
        in_use: the version that it was compared with.
    """
    return {
        "task": candidate.task,
        "released": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "code": WRITER,
        "fingerprint": candidate.fingerprint,
        "scores": {**candidate.metrics, **_score_int8(candidate)},
        "data": dict(candidate.data),
        "num_questions": len(candidate.scores),
        "evaluation": dict(candidate.settings),
        "decision": {
            "compared_with": in_use,
            "minimums": dict(candidate.limits.minimums),
            "max_drop": candidate.limits.max_drop,
            "reasons": list(decision.reasons),
            "differences": [asdict(item) for item in decision.differences],
        },
        "trainings": _list_trainings(candidate.checkpoint / LINEAGE),
    }


def _score_int8(candidate: Candidate) -> dict[str, float]:
    """Return how the int8 graph answered the questions; nothing without one."""
    if candidate.int8 is None:
        return {}
    return {
        "int8_f1": candidate.int8.int8_f1,
        "int8_f1_loss": candidate.int8.f1_loss,
        "int8_num_changed_answers": candidate.int8.num_changed_answers,
    }


def _list_trainings(path: Path) -> list[dict[str, Any]]:
    """Return what was trained on what, the last training first; none of a checkpoint of others."""
    if not path.exists():
        return []
    return [
        {
            "label": link.label,
            "code": link.code,
            "image": link.image,
            "settings": link.settings,
            "inputs": link.inputs,
            "initial_checkpoint": link.initial.fingerprint if link.initial else None,
            **_describe_dataset(link, path),
        }
        for link in read_lineage(path.read_text("utf-8"), source=str(path)).links
    ]


def _describe_dataset(link: Link, path: Path) -> dict[str, Any]:
    """Return what made the dataset: its settings, and the checksums of the dumps and other text."""
    if not link.dataset:
        return {}
    source = f"the dataset.json in {path}"
    manifest = decode_json(link.dataset, dict[str, Any], source=source)
    kept = ("vocabulary", "configuration", "versions", "corpora")
    return {"dataset": {name: manifest[name] for name in kept if name in manifest}}
