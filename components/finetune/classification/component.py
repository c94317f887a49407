"""Fine-tuning on labeled sentences as Kubeflow sees it."""

from kfp import dsl

from components.finetune.classification.config import FinetuneClassificationConfig
from components.shared.stage.component import make_component

finetune_classification = make_component(
    FinetuneClassificationConfig,
    name="finetune_classification",
    image="finetune",
    command="components.finetune classification",
    inputs={"sentences": dsl.Dataset, "initial_checkpoint": dsl.Model},
    outputs={
        "checkpoint": dsl.Model,
        "history": dsl.Artifact,
        "finetune_metrics": dsl.Metrics,
    },
)
