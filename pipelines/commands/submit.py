"""submit: run a pipeline on a cluster."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.stage.command_line import parse_known_config
from components.shared.stage.settings import Rare, Switch
from pipelines.commands.cluster import ClusterSettings
from pipelines.compiled_package import Package
from pipelines.kubeflow.registry import Version
from pipelines.kubeflow.schedules import LATEST
from pipelines.kubeflow.server import (
    Cluster,
    find_experiment,
    quietly,
    server_errors,
)

_REMEDY = "check the namespace, the service account and your rights"


@dataclass(frozen=True, kw_only=True)
class SubmitSettings(ClusterSettings):
    """Start a run on a Kubeflow Pipelines server and follow it like `follow`.

    Exit status: 0 succeeded, 1 failed, 2 invalid input, 3 canceled, 130 interrupted.

    Each parameter of the pipeline is also a flag; --list-parameters lists them.
    """

    package: Path | None = None
    """Package written by `python -m pipelines compile`. Required unless --pipeline is given."""
    pipeline: str = ""
    """Name of a pipeline registered on the cluster."""
    version: str = LATEST
    """Version of --pipeline, by name, or `latest`."""
    parameters: Path | None = None
    """YAML file of pipeline parameters."""
    list_parameters: Switch = False
    """Print the pipeline's parameters and exit."""
    experiment: str = "Default"
    """Experiment of the run; created if missing."""
    name: str = ""
    """Name of the run. Empty means the pipeline and the time."""
    pipeline_root: Rare[str] = ""
    """URL under which artifacts are stored: gs://, s3://, … Empty means the cluster's."""
    service_account: Rare[str] = ""
    """Service account of the steps' pods."""
    cache: Rare[bool] = True
    """Whether steps may reuse the outputs of identical steps of earlier runs, unless compiled
    without caching."""
    no_follow: Switch = False
    """Print the run's link and exit."""
    cancel_on_interrupt: Switch = False
    """Also cancel the run on Ctrl-C."""

    def __post_init__(self) -> None:
        """Expect one pipeline."""
        if (self.package is None) == (not self.pipeline):
            given = "neither" if self.package is None else "both"
            raise InputError(f"give either --package or --pipeline, got {given}")


def main(arguments: Sequence[str]) -> int:
    """Start the run and follow it."""
    from pipelines.commands.follow import show
    from pipelines.compiled_package import read_package
    from pipelines.kubeflow.registry import expect_new_enough, find_version
    from pipelines.parameters import read_arguments

    # A pipeline's parameters are not known before its package is read.
    settings, more = parse_known_config(
        SubmitSettings, arguments, prog="python -m pipelines submit"
    )
    found, compiled = None, read_package(settings.package) if settings.package else None
    # What is wrong with the parameters of a package is said before the cluster is asked.
    if compiled is not None:
        if settings.list_parameters:
            return _print_parameters(compiled)
        read_arguments(compiled, more, settings.parameters)
    cluster = settings.connect()
    with server_errors(cluster, _REMEDY):
        if compiled is None:
            found, compiled = find_version(cluster, settings.pipeline, settings.version)
            if settings.list_parameters:
                return _print_parameters(compiled)
        expect_new_enough(cluster, compiled)
        values = read_arguments(compiled, more, settings.parameters)
        run_id = _create(cluster, compiled, found, values, settings)
    print(cluster.run_link(run_id), flush=True)
    if settings.no_follow:
        return 0
    return show(cluster, run_id, compiled, cancel_on_interrupt=settings.cancel_on_interrupt)


def _print_parameters(compiled: Package) -> int:
    from pipelines.parameters import make_parser

    make_parser(compiled).print_help()
    return 0


def _create(
    cluster: Cluster,
    compiled: Package,
    version: Version | None,
    values: dict[str, Any],
    settings: SubmitSettings,
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source: dict[str, str] = {}
        # The API takes a version as it is: one of other caching is sent whole.
        if version is not None and settings.cache:
            source = {"pipeline_id": version.pipeline_id, "version_id": version.version_id}
        else:
            file = Path(folder) / "pipeline.yaml"
            (compiled if settings.cache else compiled.without_cache()).write(file)
            source = {"pipeline_package_path": str(file)}
        run = quietly(
            cluster.client.run_pipeline,
            find_experiment(cluster, settings.experiment),
            settings.name or f"{compiled.name} {time.strftime('%Y-%m-%d %H:%M:%S')}",
            params=values,
            pipeline_root=settings.pipeline_root or None,
            service_account=settings.service_account or None,
            **source,
        )
    return run.run_id
