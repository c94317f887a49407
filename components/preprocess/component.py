"""The preprocess stage as Kubeflow sees it."""

from kfp import dsl

from components.preprocess.config import PreprocessConfig
from components.shared.stage.component import make_component

preprocess = make_component(
    PreprocessConfig,
    name="preprocess",
    image="preprocess",
    command="components.preprocess",
    inputs={
        "dump_files": dsl.Dataset,
        "text_files": dsl.Dataset,
        "given_dataset": dsl.Dataset,
        "given_vocabulary": dsl.Artifact,
        "initial_checkpoint": dsl.Model,
    },
    outputs={"dataset": dsl.Dataset, "vocabulary": dsl.Artifact},
)
