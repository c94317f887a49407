"""The pretraining stage as Kubeflow sees it."""

from kfp import dsl

from components.pretrain.config import PretrainConfig
from components.shared.stage.component import make_component

pretrain = make_component(
    PretrainConfig,
    name="pretrain",
    image="pretrain",
    command="components.pretrain",
    inputs={
        "dataset": dsl.Dataset,
        "vocabulary": dsl.Artifact,
        "initial_checkpoint": dsl.Model,
    },
    outputs={
        "checkpoint": dsl.Model,
        "history": dsl.Artifact,
        "pretrain_metrics": dsl.Metrics,
    },
)
