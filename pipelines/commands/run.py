"""run, run-classification: run a pipeline on this machine."""

import argparse
import functools
import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from kfp.dsl.graph_component import GraphComponent

from pipelines.bert import bert
from pipelines.classification import classification
from pipelines.commands.parameters import add_parameters

_EXIT_STEP_FAILED, _EXIT_INTERRUPTED = 1, 130
# The parameters that name files or folders of this machine.
_FILES = (
    "squad_train",
    "squad_dev",
    "baseline",
    "vocabulary",
    "checksums",
    "download_directory",
    "bert_config",
    "flink_job_server_jar",
    "train",
    "initial_checkpoint",
)


# Those that take several, separated by commas.
_LISTS = ("dump", "dev")


def add_parser(commands: Any) -> None:
    """The flags of both."""
    _add_parser(commands, "run", "run the pipeline on this machine", bert)
    _add_parser(
        commands,
        "run-classification",
        "run the pipeline that trains a classifier of sentences on this machine",
        classification,
    )


def _add_parser(commands: Any, name: str, text: str, pipeline: GraphComponent) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--runner",
        choices=("process", "docker"),
        default="process",
        help="each step in its image's environment, or in the image itself",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs"), help="folder for this run's artifacts"
    )
    add_parameters(parser, pipeline.pipeline_func)
    parser.set_defaults(function=functools.partial(run_pipeline, pipeline))


def run_pipeline(pipeline: GraphComponent, runner: str, output: Path, **parameters: Any) -> int:
    """Run it; print the metrics and where the results lie."""
    # Here: compiling needs none of it.
    from pipelines.local.environments import EnvironmentSetupError
    from pipelines.local.runner import StepFailedError, run
    from pipelines.parameter_checks import check_settings

    check_settings(pipeline.component_spec.name, parameters)
    started = time.monotonic()
    try:
        artifacts = run(
            _absolute_paths(parameters), runner=runner, output=output, pipeline=pipeline
        )
    except (StepFailedError, EnvironmentSetupError) as error:
        print(f"\n{error}", file=sys.stderr)
        return _EXIT_STEP_FAILED
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _EXIT_INTERRUPTED
    # Under its artifact's name a browser would not take it for a page.
    report = Path(artifacts["report"].path).with_name("report.html")
    shutil.copyfile(artifacts["report"].path, report)
    print(f"\nDone in {time.monotonic() - started:.0f} s")
    metrics = json.loads(Path(artifacts["metrics"].path).read_text("utf-8"))
    for name, value in metrics.items():
        if isinstance(value, int | float):  # not the scores of each question
            print(f"  {name}: {value:.4g}")
    print(f"  checkpoint: {artifacts['checkpoint'].path}")
    print(f"  report: {report}")
    return 0


def _absolute_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """Steps run elsewhere than the person stands who gave the paths."""
    absolute = {name: _make_absolute(parameters[name]) for name in _FILES if name in parameters}
    for name in _LISTS:
        if name in parameters:
            sources = re.split(r"[,\s]+" if name == "dump" else ",", parameters[name])
            absolute[name] = ",".join(
                # A dump by its name, such as enwiki-latest; an export's file has a suffix.
                source if re.fullmatch(r"[\w-]+", source) else _make_absolute(source)
                for source in map(str.strip, sources)
                if source
            )
    return {**parameters, **absolute}


def _make_absolute(source: str) -> str:
    """A path or pattern, with what may follow a `#`; an address or a JSON text stays."""
    if not source or "://" in source or source.lstrip().startswith("{"):
        return source
    return str(Path.cwd() / source)
