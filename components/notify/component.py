"""The notifying stage as Kubeflow sees it."""

from kfp import dsl

from components.notify.config import NotifyConfig
from components.shared.stage.component import make_component

notify = make_component(
    NotifyConfig,
    name="notify",
    image="ingest",
    command="components.notify",
    inputs={"final_status": dsl.PipelineTaskFinalStatus},
    outputs={"notification": dsl.Artifact},
)
