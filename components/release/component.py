"""The releasing stage as Kubeflow sees it."""

from kfp import dsl

from components.release.config import ReleaseClassificationConfig, ReleaseConfig
from components.shared.stage.component import make_component

release = make_component(
    ReleaseConfig,
    name="release",
    image="evaluate",
    command="components.release",
    inputs={"checkpoint": dsl.Model, "squad": dsl.Dataset, "candidate_metrics": dsl.Metrics},
    outputs={"release_metrics": dsl.Metrics, "release_report": dsl.HTML},
)

release_classification = make_component(
    ReleaseClassificationConfig,
    name="release_classification",
    image="evaluate",
    command="components.release classification",
    inputs={
        "checkpoint": dsl.Model,
        "sentences": dsl.Dataset,
        "candidate_metrics": dsl.Metrics,
        "predictions": dsl.Artifact,
    },
    outputs={"release_metrics": dsl.Metrics, "release_report": dsl.HTML},
)
