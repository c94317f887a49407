"""Evaluation on SQuAD as Kubeflow sees it."""

from kfp import dsl

from components.evaluate.squad.config import EvaluateConfig
from components.shared.stage.component import make_component

evaluate = make_component(
    EvaluateConfig,
    name="evaluate",
    image="evaluate",
    command="components.evaluate",
    inputs={
        "squad": dsl.Dataset,
        "checkpoint": dsl.Model,
        "pretrain_128_history": dsl.Artifact,
        "pretrain_512_history": dsl.Artifact,
        "finetune_history": dsl.Artifact,
    },
    outputs={
        "evaluate_metrics": dsl.Metrics,
        "report": dsl.HTML,
        "summary": dsl.Markdown,
        "predictions": dsl.Artifact,
    },
)
