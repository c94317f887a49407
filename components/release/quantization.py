"""Gives the model to be released an int8 graph."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from components.release.comparison.candidate import Candidate, read_scalars
from components.release.config import ReleaseConfig
from components.release.other_stage import run_stage
from components.shared.checkpoints.checkpoint_manifest import fingerprint
from components.shared.checkpoints.onnx_file import read_int8_figures
from components.shared.errors import InputError
from components.shared.files.documents import load_json
from components.shared.squad.settings import SpanConfig, SquadConfig


@dataclass(frozen=True)
class _Made:
    outcome: str


def add_int8_graph(config: ReleaseConfig, candidate: Candidate, scratch: Path) -> Candidate:
    """Return the model with an int8 graph beside its weights, or as it was if that loses too much.

    Args:
        config: of the release.
        candidate: the model, evaluated; its windows and answers are chosen as in its evaluation.
        scratch: an empty folder, which the model is copied to.

    Raises:
        InputError: if the graph can't be made.
    """
    names = {item.name for kind in (SpanConfig, SquadConfig) for item in fields(kind)}
    spans = {name: value for name, value in candidate.settings.items() if name in names}
    checkpoint, metrics = scratch / "checkpoint", scratch / "metrics.json"
    error = run_stage(
        "components.evaluate",
        "quantize",
        settings={
            "checkpoint": candidate.checkpoint,
            "squad": config.squad,
            "max_f1_loss": config.max_f1_loss,
            "quantized_checkpoint": checkpoint,
            "quantize_metrics": metrics,
            "quantize_summary": scratch / "summary.md",
            **spans,
        },
    )
    if error:
        raise InputError(f"the model gets no int8 graph: {error.removeprefix('error: ')}")
    return replace(
        candidate,
        checkpoint=checkpoint,
        fingerprint=fingerprint(checkpoint),
        int8=read_int8_figures(checkpoint),
        quantization=read_scalars(metrics),
        quantization_outcome=load_json(metrics, _Made).outcome,
    )
