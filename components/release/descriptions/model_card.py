"""The model card: Markdown with Hugging Face's metadata, made from model.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.shared.checkpoints.description import INT8_FILE
from components.shared.reports.score_names import QUESTION_ANSWERING, SCORE_LABELS

# Hugging Face's names of tasks.
_PIPELINE_TAGS = {
    QUESTION_ANSWERING: "question-answering",
    "classification": "text-classification",
    "regression": "text-classification",
    "ranking": "text-ranking",
}


def write_model_card(path: Path, description: Mapping[str, Any]) -> None:
    """Write the card of a model from what its model.json says."""
    task = description["task"]
    scores = {
        label: description["scores"][name]
        for name, label in SCORE_LABELS.items()
        if name in description["scores"]
    }
    lines = [
        "---",
        f"pipeline_tag: {_PIPELINE_TAGS[task]}",
        "tags: [bert]",
        "---",
        "",
        f"# BERT for {task}",
        "",
        f"Released {description['released']} by {description['code']}.",
        "",
        f"Scores on {description['num_questions']:,} development questions:",
        "",
        "| | |",
        "|---|--:|",
        *(f"| {label} | {value:.4g} |" for label, value in scores.items()),
        "",
        *_describe_int8(description["scores"]),
        "## Release",
        "",
        *(f"- {reason}" for reason in description["decision"]["reasons"]),
        "",
        "## Data",
        "",
        "| file | SHA-256 |",
        "|---|---|",
        *(f"| {name} | `{checksum}` |" for name, checksum in description["data"].items()),
        "",
        "## Evaluation",
        "",
        "```json",
        json.dumps(description["evaluation"], indent=2),
        "```",
        "",
        "`model.json` holds the checksum of each file, and where the model comes from.",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _describe_int8(scores: Mapping[str, float]) -> list[str]:
    """Return the lines on the int8 graph; none without one."""
    if "int8_f1" not in scores:
        return []
    return [
        f"`model/{INT8_FILE}` is the same model in int8, for CPUs that compute it: F1 "
        f"{scores['int8_f1']:.2f}, {scores['int8_f1_loss']:.2f} points lost; "
        f"{scores['int8_num_changed_answers']:,} answers differ.",
        "",
    ]
