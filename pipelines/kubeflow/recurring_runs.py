"""Makes a cluster's recurring runs what schedules.yaml says, and no others of its own.

Kubeflow has no call that changes a recurring run, so one that differs is made anew: first the
new one, then the old one is deleted. Which are ours is told by a mark in their description.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import kfp_server_api

from components.shared.errors import InputError
from pipelines.compiled_package import Package
from pipelines.kubeflow.registry import Version, find_version
from pipelines.kubeflow.schedules import LATEST, Schedule
from pipelines.kubeflow.server import Cluster, fetch_all, find_experiment, list_versions
from pipelines.parameter_checks import check_settings
from pipelines.parameters import add_settings_digest, check_values, fill_in, find_missing

_MARK = "Managed by schedules.yaml: change it there."
_PAGE_SIZE = 100


@dataclass(frozen=True)
class Observed:
    """A recurring run on the cluster, in the words of the file."""

    id: str
    schedule: Schedule


@dataclass(frozen=True)
class Change:
    """What has to be done; both schedules where one replaces the other."""

    wanted: Schedule | None
    observed: Observed | None

    def lines(self) -> list[str]:
        """The change as a person reads it: + new, - gone, ~ changed, field by field."""
        if self.observed is None:
            assert self.wanted is not None
            return [f"+ {self.wanted.name}: {self.wanted.pipeline} at {self.wanted.cron}"]
        if self.wanted is None:
            return [f"- {self.observed.schedule.name}"]
        old, new = _list_fields(self.observed.schedule), _list_fields(self.wanted)
        return [f"~ {self.wanted.name}"] + [
            f"    {name}: {old.get(name, 'not set')} -> {new.get(name, 'not set')}"
            for name in new | old
            if old.get(name) != new.get(name)
        ]


class RecurringRuns:
    """The recurring runs of a namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._client = cluster, cluster.client
        self._found: dict[tuple[str, str], tuple[Version, Package]] = {}

    def plan(self, wanted: Sequence[Schedule]) -> list[Change]:
        """Return what differs between the file and the cluster, in the file's order.

        Raises:
            InputError: if a pipeline or a version is not on the cluster, or has other parameters.
        """
        name_to_observed: dict[str, Observed] = {}
        changes = []
        for observed in self._observe():
            # Two of one name: a run that was cut off between making and deleting.
            if observed.schedule.name in name_to_observed:
                changes.append(Change(None, observed))
            name_to_observed.setdefault(observed.schedule.name, observed)
        for given in wanted:
            one = name_to_observed.pop(given.name, None)
            # All, not only those that change: the newest version may be another than it was.
            schedule = self._complete(given)
            if one is None or one.schedule != schedule:
                changes.append(Change(schedule, one))
        return changes + [Change(None, observed) for observed in name_to_observed.values()]

    def apply(self, change: Change) -> None:
        """Do what a change says."""
        wanted, observed = change.wanted, change.observed
        if wanted is not None and observed is not None and _is_pause(wanted, observed.schedule):
            switch = (
                self._client.disable_recurring_run
                if wanted.paused
                else (self._client.enable_recurring_run)
            )
            switch(observed.id)
            return
        if wanted is not None:
            self._create(wanted)
        if observed is not None:
            self._client.delete_recurring_run(observed.id)

    def _create(self, schedule: Schedule) -> None:
        version, _ = self._find(schedule)
        self._client.create_recurring_run(
            experiment_id=find_experiment(self._cluster, schedule.experiment),
            job_name=schedule.name,
            description=_MARK,
            cron_expression=schedule.cron,
            max_concurrency=schedule.max_concurrency,
            no_catchup=not schedule.catchup,
            params=dict(schedule.parameters),
            pipeline_id=version.pipeline_id,
            # None at all: the backend takes the newest at each trigger.
            version_id="" if schedule.version == LATEST else version.version_id,
            enabled=not schedule.paused,
            pipeline_root=schedule.pipeline_root or None,
            service_account=schedule.service_account or None,
        )

    def _complete(self, schedule: Schedule) -> Schedule:
        """Return a schedule with what its runs get besides what the file says.

        A mistake is to be found now, not when the run begins at night.
        """
        _, package = self._find(schedule)
        label = f"schedule {schedule.name}: "
        check_values(package, schedule.parameters, label)
        if missing := find_missing(package, schedule.parameters):
            raise InputError(
                f"{label}{package.name} needs {', '.join(missing)}; add to its parameters"
            )
        parameters = add_settings_digest(package, schedule.parameters)
        try:
            check_settings(package.name, fill_in(package, parameters))
        except InputError as error:
            raise InputError(f"{label}{error}") from None
        return dataclasses.replace(schedule, parameters=parameters)

    def _find(self, schedule: Schedule) -> tuple[Version, Package]:
        key = (schedule.pipeline, schedule.version)
        if key not in self._found:
            try:
                self._found[key] = find_version(self._cluster, *key)
            except InputError as error:
                raise InputError(f"schedule {schedule.name}: {error}") from None
        return self._found[key]

    def _observe(self) -> Iterator[Observed]:
        """Return our recurring runs, the newest first."""
        runs = fetch_all(
            lambda token: self._client.list_recurring_runs(
                page_token=token,
                page_size=_PAGE_SIZE,
                sort_by="created_at desc",
                namespace=self._cluster.namespace,
            ),
            "recurring_runs",
        )
        pipeline_to_versions: dict[str, Mapping[str, str]] = {}
        for run in runs:
            if run.description == _MARK:
                yield Observed(run.recurring_run_id, self._describe(run, pipeline_to_versions))

    def _describe(self, run: Any, pipeline_to_versions: dict[str, Mapping[str, str]]) -> Schedule:
        reference, runtime = run.pipeline_version_reference, run.runtime_config
        pipeline_id, version_id = reference.pipeline_id, reference.pipeline_version_id
        if version_id and pipeline_id not in pipeline_to_versions:
            pipeline_to_versions[pipeline_id] = {
                one.pipeline_version_id: one.display_name
                for one in list_versions(self._cluster, pipeline_id)
            }
        version = pipeline_to_versions[pipeline_id].get(version_id, "") if version_id else LATEST
        return Schedule(
            name=run.display_name,
            pipeline=self._client.get_pipeline(pipeline_id).display_name,
            cron=run.trigger.cron_schedule.cron if run.trigger.cron_schedule else "",
            version=version,
            experiment=self._client.get_experiment(run.experiment_id).display_name,
            parameters=runtime.parameters or {},
            pipeline_root=runtime.pipeline_root or "",
            service_account=run.service_account or "",
            max_concurrency=int(run.max_concurrency),
            catchup=not run.no_catchup,
            paused=run.status != kfp_server_api.V2beta1RecurringRunStatus.ENABLED,
        )


def _is_pause(wanted: Schedule, observed: Schedule) -> bool:
    """Whether nothing but `paused` differs."""
    return dataclasses.replace(wanted, paused=observed.paused) == observed


def _list_fields(schedule: Schedule) -> dict[str, str]:
    """In the file's words, each parameter for itself."""
    fields = dataclasses.asdict(schedule)
    parameters = fields.pop("parameters")
    fields |= {f"parameters.{name}": value for name, value in parameters.items()}
    return {name: repr(value) for name, value in fields.items()}
