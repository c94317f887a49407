"""The calls of the Kubernetes API that a step with an MPIJob makes."""

import json
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from components.shared.errors import InputError, JobError
from components.shared.mpijob.mpijob_manifest import JOB_LABEL, STEP_LABEL

Object = dict[str, Any]

GROUP, VERSION, PLURAL = "kubeflow.org", "v2beta1", "mpijobs"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CA_FILE = _NAMESPACE_FILE.with_name("ca.crt")
_TIMEOUT = (10.0, 60.0)  # seconds, to connect and to answer
_PASSING_STATUSES = (429, 500, 502, 503, 504)
_MOST_SECONDS_APART = 10.0
# How long a server may be away: while training goes on, an upgrade of it is no reason to end.
_PATIENCE_SECONDS = 300.0
_GONE, _CONFLICT, _NOT_FOUND = 410, 409, 404
_NO_TLS = 0  # how the client reports it, without an answer


class Cluster:
    """A namespace of a cluster. What passes (503, a connection cut) is tried again."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self.core, self.custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        self.networking = client.NetworkingV1Api(api)

    def read_pod(self, name: str) -> Object:
        """Return a pod.

        Raises:
            InputError: if there is none, or it may not be read.
        """
        try:
            pod: Object = self._call(
                f"get the pod {name}",
                lambda **more: _json(
                    self.core.read_namespaced_pod(
                        name, self.namespace, _preload_content=False, **more
                    )
                ),
            )
        except ApiException as error:
            raise InputError(
                f"{self.namespace} has no pod {name}, which num_nodes above 1 needs to run in "
                f"({error.status} {error.reason}); KFP_POD_NAME names it where the host's name "
                "does not"
            ) from None
        return pod

    def create_job(self, body: Object) -> Object:
        """Create an MPIJob of a name that no other has.

        Raises:
            InputError: if it is refused, or the cluster knows no MPIJobs.
        """
        try:
            job: Object = self._call(
                "create mpijobs",
                lambda **more: self.custom.create_namespaced_custom_object(
                    GROUP, VERSION, self.namespace, PLURAL, body, **more
                ),
            )
        except ApiException as error:
            # The answer to the first call was lost, and the call made again.
            if error.status == _CONFLICT and (made := self.read_job(body["metadata"]["name"])):
                return made
            if error.status == _NOT_FOUND:
                raise InputError(
                    f"the cluster knows no MPIJobs of {GROUP}/{VERSION}: install the mpi-operator"
                ) from None
            raise InputError(
                f"the cluster refuses the MPIJob: {error.status} {_message(error)}"
            ) from None
        return job

    def create_network_policy(self, body: Object) -> None:
        """Create a NetworkPolicy of a name that no other has.

        Raises:
            InputError: if it is refused.
        """
        try:
            self._call(
                "create networkpolicies",
                lambda **more: self.networking.create_namespaced_network_policy(
                    self.namespace, body, **more
                ),
            )
        except ApiException as error:
            if error.status != _CONFLICT:  # made, and the answer lost
                raise InputError(
                    f"the cluster refuses the job's NetworkPolicy: {error.status} {_message(error)}"
                ) from None

    def delete_network_policy(self, name: str, *, patience_seconds: float) -> None:
        """Delete a NetworkPolicy where there is one."""
        try:
            self._call(
                "delete networkpolicies",
                lambda **more: self.networking.delete_namespaced_network_policy(
                    name, self.namespace, **more
                ),
                patience_seconds=patience_seconds,
            )
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise

    def read_jobs(self, step: str) -> list[Object]:
        """All MPIJobs of a step, those of its earlier tries too."""
        listing = self._call(
            "list mpijobs",
            lambda **more: self.custom.list_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURAL,
                label_selector=f"{STEP_LABEL}={step}",
                **more,
            ),
        )
        jobs: list[Object] = listing["items"]
        return jobs

    def read_job(self, name: str) -> Object | None:
        """An MPIJob, None where there is none."""
        try:
            job: Object = self._call(
                "get mpijobs",
                lambda **more: self.custom.get_namespaced_custom_object(
                    GROUP, VERSION, self.namespace, PLURAL, name, **more
                ),
            )
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return job

    def delete_job(self, name: str, uid: str, *, patience_seconds: float | None = None) -> None:
        """Have the MPIJob of a name and a uid deleted, once its pods are gone; return at once."""
        options = client.V1DeleteOptions(
            propagation_policy="Foreground", preconditions=client.V1Preconditions(uid=uid)
        )
        try:
            self._call(
                "delete mpijobs",
                lambda **more: self.custom.delete_namespaced_custom_object(
                    GROUP, VERSION, self.namespace, PLURAL, name, body=options, **more
                ),
                patience_seconds=patience_seconds,
            )
        except ApiException as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:  # gone, or another of that name
                raise

    def list_jobs(self, name: str, **more: Any) -> Any:
        """List the MPIJobs of a name, as `watching` does."""
        return self.custom.list_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, field_selector=f"metadata.name={name}", **more
        )

    def list_pods(self, name: str, **more: Any) -> Any:
        """List the pods of an MPIJob, as `watching` does."""
        return self.core.list_namespaced_pod(
            self.namespace, label_selector=f"{JOB_LABEL}={name}", **more
        )

    def read_pods(self, name: str) -> dict[str, Object]:
        """The pods of an MPIJob by their names."""
        listing = self._call(
            "list pods",
            lambda **more: _json(self.list_pods(name, _preload_content=False, **more)),
        )
        return {pod["metadata"]["name"]: pod for pod in listing["items"]}

    def read_warnings(self, name: str) -> list[str]:
        """Return what the mpi-operator could not do for a job; nothing without that right."""
        try:
            events = self._call(
                "list events",
                lambda **more: _json(
                    self.core.list_namespaced_event(
                        self.namespace,
                        field_selector=f"involvedObject.name={name},type=Warning",
                        _preload_content=False,
                        **more,
                    )
                ),
                patience_seconds=10.0,
            )
        except (ApiException, InputError, JobError):
            return []
        return [event.get("message", "") for event in events["items"]]

    def open_log(self, pod: str, container: str, *, read_seconds: float) -> Any:
        """The lines that a container has written and writes, each after its time, as bytes."""
        return self.core.read_namespaced_pod_log(
            pod,
            self.namespace,
            container=container,
            follow=True,
            timestamps=True,
            _preload_content=False,
            _request_timeout=(_TIMEOUT[0], read_seconds),
        )

    def _call(
        self, action: str, function: Callable[..., Any], *, patience_seconds: float | None = None
    ) -> Any:
        if patience_seconds is None:
            patience_seconds = _PATIENCE_SECONDS
        deadline, wait_seconds = time.monotonic() + patience_seconds, 0.2
        while True:
            try:
                return function(_request_timeout=_TIMEOUT)
            except ApiException as error:
                raise_if_forbidden(error, action, self.namespace)
                if error.status == _NO_TLS:
                    raise InputError(
                        f"can't {action}: the TLS connection to the Kubernetes API failed: "
                        f"{error.reason.splitlines()[-1]}; compare the API server's certificate "
                        f"with the authority in {_CA_FILE}, or in KUBECONFIG"
                    ) from None
                if error.status not in _PASSING_STATUSES:
                    raise
                problem = f"{error.status} {error.reason}"
            except HTTPError as error:
                problem = str(error)
            if time.monotonic() > deadline:
                raise JobError(f"can't {action}: the Kubernetes API does not answer: {problem}")
            time.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, _MOST_SECONDS_APART)


def connect() -> Cluster:
    """The cluster that this process runs in; else the one that KUBECONFIG names.

    Raises:
        InputError: if there is neither.
    """
    configuration = client.Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            namespace = _NAMESPACE_FILE.read_text("utf-8").strip()
        else:
            config.load_kube_config(client_configuration=configuration)
            context = config.list_kube_config_contexts()[1]["context"]
            namespace = context.get("namespace", "default")
    except (config.ConfigException, OSError) as error:
        raise InputError(
            f"num_nodes above 1 needs a Kubernetes cluster to train on: {error}; on one machine "
            "leave it at 1"
        ) from None
    configuration.retries = False  # `_call` does that
    api = client.ApiClient(configuration)
    # From Python 3.13 on, the default rejects authorities that kubectl accepts: those of many
    # clusters have no key usage or no key identifier. The chain is verified all the same.
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    api.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context
    return Cluster(api, namespace)


def raise_if_forbidden(error: ApiException, action: str, namespace: str) -> None:
    """Say what right is missing.

    Raises:
        InputError: if the server's answer was that.
    """
    if error.status in {401, 403}:
        raise InputError(
            f"the step's service account may not {action} in {namespace}: {_message(error)}; "
            "manifests/components/mpijob has an account with the rights: run the pipeline with "
            "--service-account bert-mpijob-runner"
        ) from None


def is_gone(error: ApiException) -> bool:
    """Whether the server no longer knows what happened since the version that was asked for."""
    return bool(error.status == _GONE)


def is_passing(error: ApiException) -> bool:
    """Whether the same call may work later."""
    return error.status in _PASSING_STATUSES


def _json(response: Any) -> Any:
    return json.loads(response.data)


def _message(error: ApiException) -> str:
    """Return the server's own words."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
