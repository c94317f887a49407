"""The choosing stage as Kubeflow sees it."""

from kfp import dsl

from components.choose.config import ChooseClassificationConfig, ChooseConfig
from components.shared.stage.component import make_component

_INPUTS = {
    "candidate_checkpoints": dsl.Model,
    "candidate_metrics": dsl.Metrics,
    "candidate_reports": dsl.HTML,
    "candidate_summaries": dsl.Markdown,
}
_OUTPUTS = {
    "checkpoint": dsl.Model,
    "chosen_metrics": dsl.Metrics,
    "report": dsl.HTML,
    "summary": dsl.Markdown,
}

choose = make_component(
    ChooseConfig,
    name="choose",
    image="evaluate",
    command="components.choose",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
)

choose_classification = make_component(
    ChooseClassificationConfig,
    name="choose_classification",
    image="evaluate",
    command="components.choose classification",
    inputs={
        **_INPUTS,
        "candidate_matrices": dsl.ClassificationMetrics,
        "candidate_predictions": dsl.Artifact,
    },
    outputs={
        **_OUTPUTS,
        "confusion_matrix": dsl.ClassificationMetrics,
        "predictions": dsl.Artifact,
    },
)
