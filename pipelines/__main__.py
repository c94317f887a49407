"""Command line of the pipeline: python -m pipelines --help."""

import argparse
import inspect
import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docstring_parser import parse
from kfp import compiler

from components.shared.bert.config import PRESETS
from components.shared.bert.settings import PRECISIONS
from components.shared.errors import InputError
from pipelines.bert import bert
from pipelines.hardware import HARDWARE

_EXIT_STEP_FAILED, _EXIT_INPUT_ERROR = 1, 2
# The parameters that name files or folders of this machine.
_FILES = (
    "squad_train",
    "squad_dev",
    "baseline",
    "vocabulary",
    "checksums",
    "download_directory",
    "bert_config",
)


def main() -> int:
    """Compile, plan, run or schedule the pipeline."""
    arguments = vars(_make_parser().parse_args())
    command = arguments.pop("command")
    name_to_function: dict[str, Callable[..., int]] = {
        "compile": _compile,
        "plan": _plan,
        "run": _run,
        "schedule": _schedule,
    }
    try:
        return name_to_function[command](**arguments)
    except InputError as error:
        print(f"{command}: error: {error}", file=sys.stderr)
        return _EXIT_INPUT_ERROR


def _compile(output: Path) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(bert, str(output))
    print(output)
    return 0


def _plan(format: str, **settings: Any) -> int:  # noqa: A002 - one name all the way
    from pipelines.plan import make_plan

    plan = make_plan(**settings)
    print(plan.to_json() if format == "json" else plan.to_text())
    return 0


def _run(runner: str, output: Path, **parameters: Any) -> int:
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
        return 130
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


def _schedule(action: str, file: Path, host: str, namespace: str | None, dry_run: bool) -> int:
    from kfp_server_api import ApiException

    from pipelines.recurring_runs import RecurringRuns, connect
    from pipelines.schedules import read_schedules

    assert action == "apply"
    wanted = read_schedules(file)
    cluster = RecurringRuns(connect(host, namespace), namespace)
    try:
        changes = cluster.plan(wanted)
        for change in changes:
            print("\n".join(change.lines()))
            if not dry_run:
                cluster.apply(change)
    except ApiException as error:
        raise InputError(
            f"{host}: the server answers {error.status} {error.reason}: {error.body}; check the "
            "namespace and your rights, and apply the file again"
        ) from None
    if not changes:
        print(f"nothing to do: the cluster has the {len(wanted)} schedules as the file says")
    elif dry_run:
        print(f"{len(changes)} to change; nothing was changed")
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


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    compiled = commands.add_parser("compile", help="write the pipeline's IR YAML")
    compiled.add_argument("--output", type=Path, default=Path("runs/bert.yaml"))

    plan = commands.add_parser(
        "plan", help="say what a machine is to be given: batches, steps, rates, memory, hours"
    )
    plan.add_argument(
        "--hardware",
        required=True,
        help=f"{', '.join(HARDWARE)}, or one of them with xN for N machines (dgx-2x4)",
    )
    plan.add_argument("--preset", choices=PRESETS, default="", help="default: large, tiny on cpu")
    plan.add_argument(
        "--precision", choices=PRECISIONS, default="", help="default: the machine's fastest"
    )
    plan.add_argument(
        "--global-batch-size",
        type=int,
        default=0,
        help="rows of one update of the first phase; default: the recipe's",
    )
    plan.add_argument("--format", choices=("text", "json"), default="text")

    run = commands.add_parser(
        "run",
        help="run the pipeline on this machine",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    run.add_argument(
        "--runner",
        choices=("process", "docker"),
        default="process",
        help="each step in its image's environment, or in the image itself",
    )
    run.add_argument(
        "--output", type=Path, default=Path("runs"), help="folder for this run's artifacts"
    )
    _add_parameters(run)

    schedule = commands.add_parser(
        "schedule", help="make a cluster's recurring runs what a file says"
    )
    schedule.add_argument("action", choices=("apply",))
    schedule.add_argument(
        "--file", type=Path, default=Path("schedules.yaml"), help="the list of schedules"
    )
    schedule.add_argument("--host", required=True, help="address of the KFP API server or UI")
    schedule.add_argument("--namespace", help="of the runs, where Kubeflow has several users")
    schedule.add_argument("--dry-run", action="store_true", help="show the difference only")
    return parser


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    """A flag for each of the pipeline's parameters, described as in the Kubeflow UI."""
    function = bert.pipeline_func
    descriptions = {
        item.arg_name: item.description for item in parse(inspect.getdoc(function) or "").params
    }
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is parameter.empty
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_parse_bool if parameter.annotation is bool else parameter.annotation,
            required=required,
            default=None if required else parameter.default,
            help=(descriptions[name] or "").replace("%", "%%"),
        )


def _parse_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


if __name__ == "__main__":
    sys.exit(main())
