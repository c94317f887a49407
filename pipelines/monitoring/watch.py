"""Follows a run on a cluster to its end: a table that is redrawn, or a line a change in a log."""

import datetime
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from components.shared.errors import InputError
from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import ENDED, Execution, list_executions
from pipelines.monitoring.progress import (
    NOT_RUN,
    Step,
    duration,
    observe_steps,
    state_in_words,
    state_of,
)

_SECONDS_BETWEEN_LOOKS = 5.0
# A port-forward that is started anew, an API server that is rolled out.
_SECONDS_OF_SILENCE = 300.0
# KFP stores the end of a run before that of its steps.
_SECONDS_UNTIL_SETTLED = 30.0
_SERVER_ERRORS = 500


@dataclass(frozen=True)
class Look:
    """A run as it is at one moment."""

    run: Any
    executions: Sequence[Execution]
    steps: Mapping[str, Step]


def follow(cluster: Cluster, run_id: str, package: Package, output: TextIO) -> Look:
    """Show how a run goes until it has ended; return the last look at it.

    Args:
        cluster: where it runs.
        run_id: which.
        package: what it runs.
        output: where its steps are shown.

    Raises:
        InputError: if the server refuses, or doesn't answer for some minutes.
    """
    show = _Table(output) if output.isatty() else _Log(output)
    titles = package.steps()
    settled_by = None
    while True:
        run = _get(cluster, run_id)
        executions = list_executions(cluster, run, package)
        if state_of(run) in ENDED and any(one.state not in ENDED for one in executions):
            settled_by = settled_by or time.monotonic() + _SECONDS_UNTIL_SETTLED
            if time.monotonic() < settled_by:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                continue
        steps = observe_steps(run, executions, titles, datetime.datetime.now(datetime.UTC))
        show(run, steps)
        if state_of(run) in ENDED:
            return Look(run, executions, steps)
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _get(cluster: Cluster, run_id: str) -> Any:
    patience = time.monotonic() + _SECONDS_OF_SILENCE
    while True:
        try:
            return cluster.client.get_run(run_id)
        except (ApiException, HTTPError) as error:
            refused = isinstance(error, ApiException) and 0 < (error.status or 0) < _SERVER_ERRORS
            if refused:
                raise
            if time.monotonic() > patience:
                raise InputError(
                    f"{cluster.host}: no answer for {_SECONDS_OF_SILENCE / 60:.0f} minutes "
                    f"({error}); the run continues. Follow it again with "
                    f"`python -m pipelines follow {run_id}`"
                ) from None
            time.sleep(_SECONDS_BETWEEN_LOOKS)


class _Log:
    """A line a change."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._shown: dict[str, str] = {}

    def __call__(self, run: Any, steps: Mapping[str, Step]) -> None:
        for name, step in steps.items():
            # One line at the end names the steps that did not run.
            if step.state != self._shown.get(name, "PENDING") and step.state != NOT_RUN:
                self._shown[name] = step.state
                self._print(step.line() if step.has_ended else f"{step.title}: {step.describe()}")
        state = state_of(run)
        if self._shown.get("", "PENDING") != state:
            self._shown[""] = state
            self._print(f"run: {state_in_words(state)}")

    def _print(self, text: str) -> None:
        now = datetime.datetime.now().astimezone()
        print(f"{now:%H:%M:%S} {text}", file=self._output, flush=True)


class _Table:
    """All steps, drawn anew at each look."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._num_lines = 0

    def __call__(self, run: Any, steps: Mapping[str, Step]) -> None:
        width = max((len(step.title) for step in steps.values()), default=0)
        columns = shutil.get_terminal_size().columns
        lines = [
            f"  {step.title:<{width}}  {step.describe():<23}"
            f"{duration(step.seconds) if step.seconds is not None else ''}"
            for step in steps.values()
        ]
        lines.append(f"  run: {state_in_words(state_of(run))}")
        # Up to the first line of before, and clear from there.
        back = f"\x1b[{self._num_lines}F\x1b[J" if self._num_lines else ""
        self._output.write(back + "".join(f"{line[: columns - 1].rstrip()}\n" for line in lines))
        self._output.flush()
        self._num_lines = len(lines)


def stand_by(
    cluster: Cluster, run_id: str, look: Callable[[], Look], *, cancel_on_interrupt: bool
) -> Look | None:
    """Follow until Ctrl-C, which leaves the run or cancels it and says so; None then."""
    try:
        return look()
    except KeyboardInterrupt:
        if cancel_on_interrupt:
            cluster.client.terminate_run(run_id)
            print(
                f"\ninterrupted; the run is being canceled: {cluster.run_link(run_id)}",
                file=sys.stderr,
            )
        else:
            print(
                f"\ninterrupted; the run continues. Follow it again with\n"
                f"  python -m pipelines follow {run_id} --host {cluster.host}",
                file=sys.stderr,
            )
        return None
