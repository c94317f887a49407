"""submit: run a pipeline on a cluster."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.compiled_package import Package
from pipelines.kubeflow.registry import Version
from pipelines.kubeflow.schedules import LATEST
from pipelines.kubeflow.server import (
    Cluster,
    add_flags,
    connect,
    find_experiment,
    quietly,
    server_errors,
)

_REMEDY = "check the namespace, the service account and your rights"


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "submit",
        help="run a pipeline on a cluster",
        description="Start a run on a Kubeflow Pipelines server and follow it like `follow`. Exit "
        "status: 0 succeeded, 1 failed, 3 canceled, 130 interrupted.",
        epilog="Each parameter of the pipeline is also a flag; --list-parameters lists them.",
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--package", type=Path, help="package written by `python -m pipelines compile`"
    )
    what.add_argument("--pipeline", help="name of a pipeline registered on the cluster")
    parser.add_argument(
        "--version", default=LATEST, help="version of --pipeline, by name (default: the newest)"
    )
    parser.add_argument("--parameters", type=Path, help="YAML file of pipeline parameters")
    parser.add_argument(
        "--list-parameters", action="store_true", help="print the pipeline's parameters and exit"
    )
    parser.add_argument(
        "--experiment", default="Default", help="experiment of the run; created if missing"
    )
    parser.add_argument(
        "--name", default="", help="name of the run (default: the pipeline and the time)"
    )
    parser.add_argument(
        "--pipeline-root", default="", help="URL under which artifacts are stored: gs://, s3://, …"
    )
    parser.add_argument("--service-account", default="", help="service account of the steps' pods")
    parser.add_argument(
        "--cache",
        type=parse_bool,
        default=True,
        help="true (the default) or false: whether steps may reuse the outputs of identical steps "
        "of earlier runs, unless compiled without caching",
    )
    add_flags(parser)
    parser.add_argument("--no-follow", action="store_true", help="print the run's link and exit")
    parser.add_argument(
        "--cancel-on-interrupt", action="store_true", help="also cancel the run on Ctrl-C"
    )
    parser.set_defaults(function=submit, takes_more=True)


def submit(
    package: Path | None,
    pipeline: str | None,
    version: str,
    parameters: Path | None,
    list_parameters: bool,
    more: Sequence[str],
    host: str,
    namespace: str | None,
    token_file: Path | None,
    no_follow: bool,
    cancel_on_interrupt: bool,
    **settings: Any,
) -> int:
    """Start the run and follow it."""
    from pipelines.commands.follow import show
    from pipelines.compiled_package import read_package
    from pipelines.kubeflow.registry import find_version
    from pipelines.parameters import read_arguments

    found, compiled = None, read_package(package) if package else None
    # What is wrong with the parameters of a package is said before the cluster is asked.
    if compiled is not None:
        if list_parameters:
            return _print_parameters(compiled)
        read_arguments(compiled, more, parameters)
    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, _REMEDY):
        if compiled is None:
            assert pipeline is not None
            found, compiled = find_version(cluster, pipeline, version)
            if list_parameters:
                return _print_parameters(compiled)
        arguments = read_arguments(compiled, more, parameters)
        run_id = _create(cluster, compiled, found, arguments, **settings)
    print(cluster.run_link(run_id), flush=True)
    if no_follow:
        return 0
    return show(cluster, run_id, compiled, cancel_on_interrupt=cancel_on_interrupt)


def parse_bool(text: str) -> bool:
    """Read true or false."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


def _print_parameters(compiled: Package) -> int:
    from pipelines.parameters import make_parser

    make_parser(compiled).print_help()
    return 0


def _create(
    cluster: Cluster,
    compiled: Package,
    version: Version | None,
    arguments: dict[str, Any],
    *,
    experiment: str,
    name: str,
    pipeline_root: str,
    service_account: str,
    cache: bool,
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source: dict[str, str] = {}
        # The API takes a version as it is: one of other caching is sent whole.
        if version is not None and cache:
            source = {"pipeline_id": version.pipeline_id, "version_id": version.version_id}
        else:
            file = Path(folder) / "pipeline.yaml"
            (compiled if cache else compiled.without_cache()).write(file)
            source = {"pipeline_package_path": str(file)}
        run = quietly(
            cluster.client.run_pipeline,
            find_experiment(cluster, experiment),
            name or f"{compiled.name} {time.strftime('%Y-%m-%d %H:%M:%S')}",
            params=arguments,
            pipeline_root=pipeline_root or None,
            service_account=service_account or None,
            **source,
        )
    return run.run_id
