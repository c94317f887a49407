"""The ingest stage as Kubeflow sees it."""

from kfp import dsl

from components.ingest.config import IngestConfig
from components.ingest.look_config import LookConfig, RecordConfig
from components.shared.stage.component import make_component

ingest = make_component(
    IngestConfig,
    name="ingest",
    image="ingest",
    command="components.ingest",
    inputs={},
    outputs={
        "dump_files": dsl.Dataset,
        "text_files": dsl.Dataset,
        "squad": dsl.Dataset,
        "given_vocabulary": dsl.Artifact,
        "given_checkpoint": dsl.Model,
        "given_dataset": dsl.Dataset,
    },
)

look_for_dump = make_component(
    LookConfig,
    name="look_for_dump",
    image="ingest",
    command="components.ingest look",
    inputs={},
    outputs={
        "is_new": bool,
        "found_dump": str,
        "found_checkpoint": str,
        "fingerprint": str,
        "inputs": str,
        "changes": dsl.Artifact,
        "dump_checkpoints": str,
    },
)

record_dump = make_component(
    RecordConfig,
    name="record_dump",
    image="ingest",
    command="components.ingest record",
    inputs={},
    outputs={},
)
