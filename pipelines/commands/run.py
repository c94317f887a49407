"""run: run the pipeline on this machine."""

import argparse
import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pipelines.bert import bert
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
    "flink_job_server_jar",
)


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="run the pipeline on this machine",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
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
    add_parameters(parser, bert.pipeline_func)
    parser.set_defaults(function=run_pipeline)


def run_pipeline(runner: str, output: Path, **parameters: Any) -> int:
    """Run it; print the metrics and where the results lie."""
    # Here: compiling needs none of it.
    from pipelines.environments import EnvironmentSetupError
    from pipelines.local import StepFailedError, run

    started = time.monotonic()
    try:
        artifacts = run(_absolute_paths(parameters), runner=runner, output=output)
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
    absolute = {name: _make_absolute(parameters[name]) for name in _FILES}
    # The one that takes several.
    dumps = [
        # A dump by its name, such as enwiki-latest; an export's file has a suffix.
        source if re.fullmatch(r"[\w-]+", source) else _make_absolute(source)
        for source in re.split(r"[,\s]+", parameters["dump"])
    ]
    return {**parameters, **absolute, "dump": ",".join(filter(None, dumps))}


def _make_absolute(source: str) -> str:
    """A path or pattern, with what may follow a `#`; an address or a JSON text stays."""
    if not source or "://" in source or source.lstrip().startswith("{"):
        return source
    return str(Path.cwd() / source)
