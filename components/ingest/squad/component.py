"""Ingest for question answering as Kubeflow sees it."""

from kfp import dsl

from components.ingest.squad.config import IngestSquadConfig
from components.shared.stage.component import make_component

ingest_squad = make_component(
    IngestSquadConfig,
    name="ingest_squad",
    image="ingest",
    command="components.ingest squad",
    inputs={},
    outputs={"squad": dsl.Dataset, "given_checkpoint": dsl.Model},
)
