"""The settings of the step that gives a model its int8 graph."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.squad.settings import SpanConfig, SquadConfig
from components.shared.stage.settings import Rare


@dataclass(frozen=True, kw_only=True)
class ComparedGraphConfig(SpanConfig, SquadConfig):
    """How a graph is made of a checkpoint, and by how much its answers may be worse."""

    checkpoint: Path
    """Checkpoint folder of the fine-tuned model."""

    max_f1_loss: float = 0.5
    """Maximum loss of F1 on the development questions, in percent points, against TensorFlow in
    float32. A graph that loses more is not written."""
    num_calibration_questions: Rare[int] = 300
    """Training questions to calibrate an int8 graph on."""
    batch_size: Rare[int] = 8
    """Windows at once while the answers are compared."""

    def __post_init__(self) -> None:
        SpanConfig.__post_init__(self)
        SquadConfig.__post_init__(self)
        for name in ("num_calibration_questions", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
        if not self.max_f1_loss >= 0:
            raise InputError(f"max_f1_loss must be 0 or more, got {self.max_f1_loss}")


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig(ComparedGraphConfig):
    """Give a model that answers questions an int8 graph beside its weights.

    The server takes the graph on CPUs that compute int8. It is calibrated on training questions
    and answers the development questions; if it loses too much F1, the model stays without it.
    """

    squad: Path
    """Folder with train.json, the questions to calibrate on, and dev.json, those to answer."""

    quantized_checkpoint: Path
    """Output: the checkpoint folder with model.int8.onnx beside the weights; without it, if it
    loses too much."""
    quantize_metrics: Path
    """Output: F1, changed answers and speed of the graph beside TensorFlow's, JSON."""
    quantize_summary: Path
    """Output: the same in words, Markdown."""

    def __post_init__(self) -> None:
        ComparedGraphConfig.__post_init__(self)
        if self.quantized_checkpoint.resolve() == self.checkpoint.resolve():
            raise InputError(
                f"quantized_checkpoint {self.quantized_checkpoint} is the checkpoint itself; give "
                "another folder"
            )
