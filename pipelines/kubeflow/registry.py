"""Puts a compiled pipeline on a cluster as a version whose name says its content."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server_api
from kfp_server_api import ApiException

from components.shared.errors import InputError
from pipelines.compiled_package import Package, parse_version
from pipelines.kubeflow.schedules import LATEST
from pipelines.kubeflow.server import Cluster, find_pipeline, list_versions, quietly


@dataclass(frozen=True)
class Version:
    """A version of a pipeline on the cluster."""

    pipeline_id: str
    version_id: str
    name: str
    is_new: bool = False
    is_newest: bool = True
    """What `latest` means; not so if an older content came back."""


def register(cluster: Cluster, package: Package) -> Version:
    """Make the package the newest version of the pipeline of its name, which is made if need be.

    Nothing happens if it is one of its versions already.

    Raises:
        InputError: if the server is too old for it.
    """
    expect_new_enough(cluster, package)
    # One that all namespaces share is not ours to change.
    pipeline = find_pipeline(cluster, package.name, or_shared=False) or _create(cluster, package)
    if found := _find(cluster, pipeline.pipeline_id, package.version_name):
        return found
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        package.write(file)
        try:
            made = quietly(
                cluster.client.upload_pipeline_version,
                str(file),
                package.version_name,
                pipeline_id=pipeline.pipeline_id,
                description=package.description,
            )
        except ApiException:
            # Did another do the same meanwhile?
            if found := _find(cluster, pipeline.pipeline_id, package.version_name):
                return found
            raise
    return Version(made.pipeline_id, made.pipeline_version_id, package.version_name, is_new=True)


def expect_new_enough(cluster: Cluster, package: Package) -> None:
    """Expect a server that reads all of the package's settings.

    An older one drops them without a word, secrets and resources among them.

    Raises:
        InputError: if the server says that it is older.
    """
    numbers = re.match(r"(\d+)\.(\d+)", cluster.version)
    if numbers and tuple(map(int, numbers.groups())) < tuple(
        map(int, package.oldest_server.split("."))
    ):
        raise InputError(
            f"{package.name}: the package needs Kubeflow Pipelines {package.oldest_server} or "
            f"later, and {cluster.host} is {cluster.version}, which would drop its Kubernetes "
            f"settings; compile it with --kfp-version {'.'.join(numbers.groups())}"
        )


def find_version(cluster: Cluster, name: str, version: str = LATEST) -> tuple[Version, Package]:
    """A version of a registered pipeline by its name, or the newest, with its package.

    Raises:
        InputError: if the cluster has no such pipeline or version.
    """
    pipeline = find_pipeline(cluster, name)
    if pipeline is None:
        raise InputError(
            f"the cluster has no pipeline {name!r}; `python -m pipelines register` puts it there"
        )
    versions = list(list_versions(cluster, pipeline.pipeline_id))
    wanted = [one for one in versions if version in (LATEST, one.display_name)]
    if not wanted:
        names = ", ".join(one.display_name for one in versions)
        raise InputError(f"{name} has no version {version!r}, only {names or 'none'}")
    one = wanted[0]
    found = cluster.client.get_pipeline_version(pipeline.pipeline_id, one.pipeline_version_id)
    return (
        Version(pipeline.pipeline_id, one.pipeline_version_id, one.display_name),
        parse_version(found.pipeline_spec),
    )


def find_package(cluster: Cluster, run: Any) -> Package:
    """Return what a run runs.

    Raises:
        InputError: if the run names no pipeline.
    """
    reference = run.pipeline_version_reference
    document = run.pipeline_spec
    if not document and reference is not None:
        version = cluster.client.get_pipeline_version(
            reference.pipeline_id, reference.pipeline_version_id
        )
        document = version.pipeline_spec
    if not document:
        raise InputError(
            f"{cluster.host}: run {run.run_id} names no pipeline; it was not made for KFP 2"
        )
    return parse_version(document)


def _create(cluster: Cluster, package: Package) -> kfp_server_api.V2beta1Pipeline:
    # Not Client.upload_pipeline: its first version would be named as the pipeline is.
    return cluster.client.pipelines.pipeline_service_create_pipeline(
        kfp_server_api.V2beta1Pipeline(
            display_name=package.name,
            description=package.description,
            namespace=cluster.namespace,
        )
    )


def _find(cluster: Cluster, pipeline_id: str, name: str) -> Version | None:
    for position, one in enumerate(list_versions(cluster, pipeline_id)):
        if one.display_name == name:
            return Version(pipeline_id, one.pipeline_version_id, name, is_newest=position == 0)
    return None
