"""What a cluster knows of its runs, and of who refers to the artifacts of others."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kfp_server_api import ApiException

from components.shared.errors import InputError
from pipelines.cleaning.rules import Known
from pipelines.kubeflow.registry import find_package
from pipelines.kubeflow.server import Cluster, fetch_all
from pipelines.monitoring.executions import ENDED, UnreadableError
from pipelines.monitoring.progress import state_of
from pipelines.monitoring.run_artifacts import read_recorded_artifacts

_PAGE_SIZE = 100
_NOT_FOUND = 404


class ClusterRuns:
    """The runs of a namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._client = cluster, cluster.client
        self._run_to_artifacts: dict[str, str] = {}

    def find_out(self, others: Mapping[str, str]) -> Known:
        """Return what is known now.

        Args:
            others: who else refers to something, and its text.

        Raises:
            InputError: if the server refuses.
        """
        runs = list(self._list("runs", self._client.list_runs))
        recurring = {
            f"recurring run {one.display_name}": _text_of(one)
            for one in self._list("recurring_runs", self._client.list_recurring_runs)
        }
        return Known(
            run_to_start={run.run_id: run.created_at for run in runs},
            unfinished=frozenset(run.run_id for run in runs if state_of(run) not in ENDED),
            references={
                **others,
                **recurring,
                **{
                    f"run {run.run_id}": _text_of(run) for run in runs if state_of(run) not in ENDED
                },
            },
            recurring=frozenset(recurring),
        )

    def list_artifacts(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Return who has artifacts in which run's folder: of a step from the cache, another's.

        Raises:
            InputError: if a run's artifacts can't be listed.
        """
        return {f"a step of run {run_id}": self._list_artifacts(run_id) for run_id in run_ids}

    def delete(self, run_id: str) -> bool:
        """Delete a run's record, and with it what the cache knows of its steps.

        Returns:
            Whether its folder may go; False if the run goes on after all, or is not ours to see.
        """
        try:
            if state_of(self._client.get_run(run_id)) not in ENDED:
                return False
            self._client.delete_run(run_id)
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return True  # by a removal that was killed, or in the UI
            if error.status == 403:
                return False
            raise
        return True

    def _list(self, items: str, call: Any) -> Iterable[Any]:
        return fetch_all(
            lambda token: call(
                page_token=token, page_size=_PAGE_SIZE, namespace=self._cluster.namespace
            ),
            items,
        )

    def _list_artifacts(self, run_id: str) -> str:
        if run_id in self._run_to_artifacts:
            return self._run_to_artifacts[run_id]
        run = self._client.get_run(run_id)
        try:
            package = find_package(self._cluster, run)
            artifacts = read_recorded_artifacts(self._cluster, run, package)
        except UnreadableError as error:
            raise InputError(
                f"run {run_id}: its artifacts can't be listed, so that what it took from the cache "
                f"is not known ({error}); give --host the address of Kubeflow's UI"
            ) from None
        text = "\n".join(one.uri for one in artifacts)
        if state_of(run) in ENDED:
            self._run_to_artifacts[run_id] = text
        return text


def _text_of(run: Any) -> str:
    config = run.runtime_config
    parameters = (config and config.parameters) or {}
    return json.dumps(parameters, ensure_ascii=False)
