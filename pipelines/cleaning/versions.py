"""Versions of this project's pipelines on a cluster: which go, and why the others stay."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.catalog import find_steps
from pipelines.kubeflow.server import Cluster, fetch_all, list_versions

_PAGE_SIZE = 100


@dataclass(frozen=True)
class _Version:
    pipeline_id: str
    id: str
    name: str
    created: datetime
    kept_for: str
    """Empty if it goes."""


def clean_versions(
    cluster: Cluster,
    before: datetime,
    *,
    removed_runs: Collection[str],
    dry_run: bool,
    say: Callable[[str], None],
) -> None:
    """Choose, say, and remove versions by Kubeflow's API, wherever it keeps them.

    A run on record keeps its version, from which Kubeflow and `follow` know the run's steps.

    Args:
        cluster: the API server.
        before: versions made later stay.
        removed_runs: ids of runs that keep no version, on record or not.
        dry_run: only say.
        say: takes a line of what is done.
    """
    versions = sorted(
        _choose(cluster, before, removed_runs), key=lambda one: (bool(one.kept_for), one.name)
    )
    for one in versions:
        if one.kept_for:
            say(f"keep    version {one.name}: {one.kept_for}")
        else:
            say(f"remove  version {one.name}: made on {one.created:%Y-%m-%d}")
    going = [one for one in versions if not one.kept_for]
    verb = "would remove" if dry_run else "removing"
    say(f"versions: {verb} {len(going)} of {len(versions)}")
    for one in () if dry_run else going:
        cluster.client.delete_pipeline_version(one.pipeline_id, one.id)


def _choose(
    cluster: Cluster, before: datetime, removed_runs: Collection[str]
) -> Iterator[_Version]:
    # Listed before what may refer to them, so that a version made meanwhile is not among them.
    pipelines = [
        (pipeline.pipeline_id, list(list_versions(cluster, pipeline.pipeline_id)))
        for pipeline in _list(cluster, "pipelines", cluster.client.list_pipelines)
        if find_steps(pipeline.display_name)
    ]
    used = _find_users(cluster, removed_runs)
    for pipeline_id, versions in pipelines:
        for position, one in enumerate(versions):
            kept_for = used.get(one.pipeline_version_id, "")
            if position == 0:  # schedules with `version: latest` name none
                kept_for = "the newest"
            elif not kept_for and one.created_at >= before:
                kept_for = f"made on {one.created_at:%Y-%m-%d}, too recently"
            yield _Version(
                pipeline_id, one.pipeline_version_id, one.display_name, one.created_at, kept_for
            )


def _find_users(cluster: Cluster, removed_runs: Collection[str]) -> Mapping[str, str]:
    """Return who uses a version, by its id."""
    runs = _list(cluster, "runs", cluster.client.list_runs)
    recurring_runs = _list(cluster, "recurring_runs", cluster.client.list_recurring_runs)
    users = [(one, f"run {one.run_id}") for one in runs if one.run_id not in removed_runs]
    users += [(one, f"recurring run {one.display_name}") for one in recurring_runs]
    return {
        one.pipeline_version_reference.pipeline_version_id: f"used by {name}"
        for one, name in users
        if one.pipeline_version_reference
    }


def _list(cluster: Cluster, items: str, call: Callable[..., Any]) -> Iterator[Any]:
    return fetch_all(
        lambda token: call(page_token=token, page_size=_PAGE_SIZE, namespace=cluster.namespace),
        items,
    )
