"""run: run a pipeline on this machine."""

import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.shared.errors import InputError
from components.shared.files.atomic import expect_place
from components.shared.files.text import format_number
from components.shared.reports.score_names import SCORE_LABELS
from components.shared.stage.command_line import parse_flags
from components.shared.stage.settings import list_settings
from pipelines.catalog import PIPELINES
from pipelines.commands.parameters import group_parameters
from pipelines.local.run_log import RunLog, start_log
from pipelines.steps import steps_of

_EXIT_STEP_FAILED, _EXIT_INTERRUPTED = 1, 130
# Of the metrics, those that a run's last screen shows; several seeds have a mean of some.
_SHOWN_METRICS = (
    *(f"{score}{of}" for score in SCORE_LABELS for of in ("", "_mean", "_standard_deviation")),
    "questions_per_second",
    "sentences_per_second",
    "latency_ms_p50",
    "learning_rate",
    "seed",
    "held_out_masked_lm_loss_128",
    "held_out_masked_lm_loss_512",
)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How to run a pipeline on this machine."""

    runner: Literal["process", "docker"] = "process"
    """Run each step in its image's environment (process) or in the image itself (docker)."""
    output: Path = Path("runs")
    """Folder for this run's artifacts."""


def main(arguments: Sequence[str]) -> int:
    """Read the pipeline's name and its parameters, and run it."""
    names = ", ".join(PIPELINES)
    usage = f"usage: python -m pipelines run PIPELINE [--help] [OPTIONS]\n\nPIPELINE: {names}"
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage)
        return 0
    name, *flags = arguments
    if name not in PIPELINES:
        raise InputError(f"PIPELINE must be one of {names}, got {name!r}; see `run --help`")
    pipeline = PIPELINES[name]
    values = parse_flags(
        group_parameters(steps_of(pipeline), list(list_settings(RunSettings).values())),
        flags,
        prog=f"python -m pipelines run {name}",
        description=pipeline.component_spec.description,
    )
    settings = {field.name: values.pop(field.name) for field in dataclasses.fields(RunSettings)}
    # kfp takes lists.
    parameters = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
    return run_pipeline(name, RunSettings(**settings), parameters)


def run_pipeline(name: str, settings: RunSettings, parameters: Mapping[str, Any]) -> int:
    """Run a pipeline; print the metrics, the time of each step, and where the results lie."""
    # Here: compiling needs none of it.
    from pipelines.local.environments import EnvironmentSetupError
    from pipelines.local.given_files import check_files, make_absolute, read_model
    from pipelines.local.runner import StepFailedError, run
    from pipelines.parameter_checks import check_lengths, check_settings

    parameters = make_absolute(parameters)
    check_settings(name, parameters)
    check_files(parameters)
    check_lengths(name, parameters, read_model(parameters))
    expect_place(settings.output, is_folder=True)
    log = start_log()
    started = time.monotonic()
    try:
        artifacts = run(
            parameters,
            runner=settings.runner,
            output=settings.output,
            pipeline=PIPELINES[name],
            log=log,
        )
    except (StepFailedError, EnvironmentSetupError) as error:
        print(f"\n{error}", file=sys.stderr)
        return _EXIT_STEP_FAILED
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _EXIT_INTERRUPTED
    _print_end(log, time.monotonic() - started, artifacts)
    return 0


def _name_as_page(artifact: Any) -> Path:
    """Copy a report: under its artifact's name a browser would not take it for a page."""
    path = Path(artifact.path)
    return Path(shutil.copyfile(path, path.with_name(f"{path.name}.html")))


def _print_end(log: RunLog, seconds: float, artifacts: Mapping[str, Any]) -> None:
    """Print the last screen of a run: time per step, scores and speed, and what to open."""
    metrics = json.loads(Path(artifacts["metrics"].path).read_text("utf-8"))
    # The report and the file of metrics have the others.
    numbers = {name: metrics[name] for name in _SHOWN_METRICS if name in metrics}
    width = max(map(len, (*numbers, *(title for title, _ in log.seconds))))
    print(f"\nDone in {seconds:.0f} s\n")
    for title, duration in log.seconds:
        print(f"  {title:<{width}}  {duration:>9.1f} s")
    print()
    for name, value in numbers.items():
        print(f"  {name:<{width}}  {format_number(value):>9}")
    release = artifacts["release_report"]
    print(
        f"\ncheckpoint: {artifacts['checkpoint'].path}\n"
        f"report: {_name_as_page(artifacts['report'])}\n"
        f"release: {release.metadata['decision']}\n"
        f"release report: {_name_as_page(release)}\n"
        f"log: {log.path}"
    )
