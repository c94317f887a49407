"""A classifier's evaluation as Kubeflow sees it."""

from kfp import dsl

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.shared.stage.component import make_component

evaluate_classification = make_component(
    EvaluateClassificationConfig,
    name="evaluate_classification",
    image="evaluate",
    command="components.evaluate classification",
    inputs={
        "sentences": dsl.Dataset,
        "checkpoint": dsl.Model,
        "finetune_history": dsl.Artifact,
    },
    outputs={
        "evaluate_metrics": dsl.Metrics,
        "confusion_matrix": dsl.ClassificationMetrics,
        "report": dsl.HTML,
        "summary": dsl.Markdown,
        "predictions": dsl.Artifact,
    },
)
