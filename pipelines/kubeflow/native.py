"""A pipeline as resources of Kubernetes, where Kubeflow keeps pipelines there."""

import tempfile
from pathlib import Path

from kfp.compiler import Compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions
from kfp.dsl.base_component import BaseComponent

from pipelines.compiled_package import read_package


def write_resources(pipeline: BaseComponent, path: Path) -> None:
    """Write a Pipeline, and a PipelineVersion whose name says its content.

    Kubeflow refuses a change of a version: another content must be another version.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        Compiler().compile(pipeline, str(file))
        version = read_package(file).version_name
    options = KubernetesManifestOptions(
        pipeline_version_name=version,
        pipeline_version_display_name=version,
        include_pipeline_manifest=True,
    )
    Compiler().compile(
        pipeline,
        str(path),
        kubernetes_manifest_format=True,
        kubernetes_manifest_options=options,
    )
