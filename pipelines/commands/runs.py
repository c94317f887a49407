"""runs: list the runs on a cluster, newest first."""

import datetime
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.shared.errors import InputError
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Rare
from pipelines.ages import parse_age
from pipelines.commands.cluster import ClusterSettings
from pipelines.commands.output import Output, print_table
from pipelines.kubeflow.server import Cluster, server_errors

_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class RunsSettings(ClusterSettings):
    """List the runs on a cluster, newest first."""

    experiment: str = ""
    """List only the runs of this experiment."""
    since: str = ""
    """List all runs started within this time (90d or 12h), each with what was new, its model's
    score, and whether the model was published or held back."""
    limit: int | None = None
    """Maximum number of runs. Without it, 20; with --since, no maximum."""
    output: Rare[Output] = "text"
    """Output format."""

    def __post_init__(self) -> None:
        """Expect a positive limit."""
        if self.limit is not None and self.limit < 1:
            raise InputError(f"--limit must be at least 1, got {self.limit}")


def main(arguments: Sequence[str]) -> int:
    """Print name, state, when it began, how long it took, and the link; results if asked for."""
    settings = parse_config(RunsSettings, arguments, prog="python -m pipelines runs")
    since, start = settings.since, None
    if since:
        start = datetime.datetime.now(datetime.UTC) - parse_age(since, "--since")
    limit = settings.limit or (sys.maxsize if since else _LIMIT)
    cluster = settings.connect()
    with server_errors(cluster, "check the namespace and your rights"):
        runs = _fetch(cluster, settings.experiment, limit, start)
        rows = [
            _describe(cluster, run) | (_describe_result(cluster, run) if since else {})
            for run in runs
        ]
    if settings.output == "json":
        print(json.dumps(rows, indent=2))
        return 0
    titles = {"name": "NAME", "state": "STATE", "created": "CREATED", "duration": "DURATION"}
    if since:
        titles |= {"result": "RESULT", "changed": "NEW"}
    titles |= {"link": "LINK"}
    print_table([[row[key] for key in titles] for row in (titles, *rows)])
    return 0


def _fetch(
    cluster: Cluster, experiment: str, limit: int, start: datetime.datetime | None
) -> list[Any]:
    runs: list[Any] = []
    experiment_id = None
    if experiment:
        try:
            found = cluster.client.get_experiment(
                experiment_name=experiment, namespace=cluster.namespace
            )
        except ValueError:
            raise InputError(
                f"{cluster.host} has no experiment {experiment!r}; leave it out to list all runs"
            ) from None
        experiment_id = found.experiment_id
    token = ""
    while len(runs) < limit:
        page = cluster.client.list_runs(
            page_token=token,
            page_size=min(limit, 100),
            sort_by="created_at desc",
            experiment_id=experiment_id,
            namespace=cluster.namespace,
        )
        found_here = [run for run in page.runs or () if start is None or run.created_at >= start]
        runs += found_here
        token = page.next_page_token
        if not token or len(found_here) < len(page.runs or ()):
            break
    return runs[:limit]


def _describe(cluster: Cluster, run: Any) -> dict[str, Any]:
    from pipelines.monitoring.executions import known_time
    from pipelines.monitoring.progress import duration, state_in_words, state_of

    end = known_time(run.finished_at) or datetime.datetime.now(datetime.UTC)
    return {
        "id": run.run_id,
        "name": run.display_name,
        "state": state_in_words(state_of(run)),
        "created": f"{run.created_at.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "duration": duration((end - run.created_at).total_seconds()),
        "link": cluster.run_link(run.run_id),
    }


def _describe_result(cluster: Cluster, run: Any) -> dict[str, Any]:
    from pipelines.monitoring.executions import UnreadableError, known_time
    from pipelines.monitoring.results import Result, read_result

    try:
        result = read_result(cluster, run)
        words = result.in_words()
    except (UnreadableError, InputError) as error:
        result, words = Result(), "?"
        print(f"runs: {run.display_name}: its result can't be read: {error}", file=sys.stderr)
    end = known_time(run.finished_at)
    return {
        "result": words,
        "changed": result.changed,
        "outcome": result.outcome,
        "scores": dict(result.scores),
        "hours": round((end - run.created_at).total_seconds() / 3600, 2) if end else None,
    }
