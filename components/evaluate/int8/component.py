"""The step that gives a model its int8 graph, as Kubeflow sees it."""

from kfp import dsl

from components.evaluate.int8.config import QuantizeConfig
from components.shared.stage.component import make_component

quantize = make_component(
    QuantizeConfig,
    name="quantize",
    image="evaluate",
    command="components.evaluate quantize",
    inputs={"squad": dsl.Dataset, "checkpoint": dsl.Model},
    outputs={
        "quantized_checkpoint": dsl.Model,
        "quantize_metrics": dsl.Metrics,
        "quantize_summary": dsl.Markdown,
    },
)
