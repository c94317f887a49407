"""The choosing stage as Kubeflow sees it."""

from kfp import dsl

from components.choose.config import ChooseConfig
from components.shared.component import make_component

choose = make_component(
    ChooseConfig,
    name="choose",
    image="evaluate",
    command="components.choose",
    inputs={
        "candidate_checkpoints": dsl.Model,
        "candidate_metrics": dsl.Metrics,
        "candidate_reports": dsl.HTML,
        "candidate_summaries": dsl.Markdown,
    },
    outputs={
        "checkpoint": dsl.Model,
        "chosen_metrics": dsl.Metrics,
        "report": dsl.HTML,
        "summary": dsl.Markdown,
    },
)
