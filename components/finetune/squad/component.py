"""Fine-tuning on SQuAD as Kubeflow sees it."""

from kfp import dsl

from components.finetune.squad.config import FinetuneConfig
from components.shared.stage.component import make_component

finetune = make_component(
    FinetuneConfig,
    name="finetune",
    image="finetune",
    command="components.finetune",
    inputs={"squad": dsl.Dataset, "initial_checkpoint": dsl.Model},
    outputs={
        "checkpoint": dsl.Model,
        "history": dsl.Artifact,
        "finetune_metrics": dsl.Metrics,
    },
)
