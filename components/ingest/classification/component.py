"""Ingest for sentence classification as Kubeflow sees it."""

from kfp import dsl

from components.ingest.classification.config import IngestClassificationConfig
from components.shared.stage.component import make_component

ingest_classification = make_component(
    IngestClassificationConfig,
    name="ingest_classification",
    image="ingest",
    command="components.ingest classification",
    inputs={},
    outputs={"sentences": dsl.Dataset, "given_checkpoint": dsl.Model},
)
