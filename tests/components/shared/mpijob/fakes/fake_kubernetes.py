"""A Kubernetes API server of MPIJobs, pods and network policies.

It answers as the real one does, by HTTP: versions of resources, watches as chunked lines, 409
for what is there, 410 for a version that is forgotten, 422 for what the CRD forbids, 403 for a pod
that Pod Security "restricted" forbids; a job that is deleted stays until its pods are gone. What
mpi-operator, Kueue and the nodes would do, the tests do with `put_pod`, `set_condition`, `log`,
`queue`, `lose_pod`.
"""

import copy
import itertools
import json
import ssl
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.shared.mpijob.mpijob_manifest import JOB_LABEL, QUEUE_LABEL
from tests.components.shared.mpijob.fakes.kubernetes_http import make_handler, make_status
from tests.components.shared.mpijob.fakes.mpi_operator import (
    make_launcher,
    make_worker,
    set_condition,
)
from tests.components.shared.mpijob.fakes.step_pod import NAMESPACE, make_own_pod
from tests.custom_resources import find_faults
from tests.pod_security import find_violations

_JOBS, _PODS, _POLICIES, _EVENTS = "mpijobs", "pods", "networkpolicies", "events"
_NOW = "2026-11-25T05:00:00Z"
Operator = Callable[["FakeKubernetes", dict[str, Any]], None]


@dataclass
class Log:
    """A container's, while it grows."""

    lines: list[str] = field(default_factory=list)
    has_ended: bool = False
    cut_after: int | None = None
    """Close the connection once, after so many lines."""


class FakeKubernetes:
    """`with FakeKubernetes(operator) as cluster`; `cluster.kubeconfig` leads clients to it."""

    def __init__(self, folder: Path, operator: Operator = lambda *_: None) -> None:
        self.operator = operator
        self.kubeconfig = folder / "kubeconfig"
        self.requests: list[tuple[str, str]] = []
        self.forbidden: set[tuple[str, str]] = set()
        self.unavailable = 0
        """How many of the next requests are answered 503."""
        self.unanswered = 0
        """How many of the next creations are made and answered 503."""
        self.cut_watches = 0
        """How many of the next watches are cut within an event."""
        self.logs: dict[str, Log] = {}
        self.has_kueue = False
        """Whether a job with a queue's label is suspended at its creation."""
        self.silent: set[str] = set()
        """Pods whose node doesn't confirm their end."""
        self.created: list[dict[str, Any]] = []
        """All jobs and policies that were ever created."""
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        self._version, self._oldest = 100, 0
        self._numbers = itertools.count()
        self._changed = threading.Condition(threading.RLock())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(self))
        self._server.daemon_threads = True
        self.put("pods", make_own_pod())

    def __enter__(self) -> "FakeKubernetes":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "contexts": [
                {
                    "name": "fake",
                    "context": {"cluster": "fake", "user": "fake", "namespace": NAMESPACE},
                }
            ],
            "clusters": [{"name": "fake", "cluster": {"server": address}}],
            "users": [{"name": "fake", "user": {}}],
        }
        self.kubeconfig.write_text(json.dumps(config), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_over(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    # What the operator and the nodes do.

    def put(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        """Create an object or change it."""
        with self._changed:
            item = copy.deepcopy(item)
            key = (kind, item["metadata"]["name"])
            metadata = item["metadata"]
            metadata.setdefault("uid", str(uuid.uuid4()))
            # RFC 3339 in whole seconds, as etcd has it; here each is a second later.
            seconds = next(self._numbers) if "creationTimestamp" not in metadata else 0
            metadata.setdefault(
                "creationTimestamp", f"2026-11-25T04:{seconds // 60:02d}:{seconds % 60:02d}Z"
            )
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            what = "MODIFIED" if key in self._objects else "ADDED"
            self._objects[key] = item
            self._events.append((self._version, kind, {"type": what, "object": item}))
            self._changed.notify_all()
            return item

    def put_pod(self, job: str, role: str, number: int = 0, **status: Any) -> str:
        """Create a pod of a job, as mpi-operator makes it, or change its status; its name.

        A pod that the server's admission refuses is not there; the operator says so in an event.
        """
        name = f"{job}-{role}-{number}"
        pod = self.get(_PODS, name)
        if pod is None:
            item = self.get(_JOBS, job)
            assert item is not None
            pod = make_launcher(item) if role == "launcher" else make_worker(item, number)
            pod["metadata"]["name"] = name
            if violations := find_violations(pod["spec"]):
                words = f'violates PodSecurity "restricted:latest": {", ".join(violations)}'
                self.warn(job, f'{role} pod created failed: pods "{name}" is forbidden: {words}')
                return name
        self.put(_PODS, {**pod, "status": status})
        if role == "launcher":
            self.logs.setdefault(name, Log())
        return name

    def lose_pod(self, name: str) -> None:
        """Remove a pod as Kubernetes does once its node is gone."""
        with self._changed:
            self._remove((_PODS, name))

    def warn(self, job: str, message: str) -> None:
        """Note what mpi-operator could not do for a job."""
        with self._changed:
            event = {"involvedObject": {"name": job}, "type": "Warning", "message": message}
            name = f"{job}.{self._version}"
            self.put(_EVENTS, {"metadata": {"name": name}, **event})

    def set_condition(
        self, job: str, kind: str, reason: str = "", message: str = "", status: str = "True"
    ) -> None:
        """Change an MPIJob's status; a job that has ended has no running workers any more."""
        with self._changed:
            item = self.get(_JOBS, job)
            assert item is not None
            set_condition(item, kind, status, reason or f"MPIJob{kind}", message)
            self.put(_JOBS, item)
            if kind in {"Succeeded", "Failed"}:
                self._clean_up(job)

    def queue(self, job: str, *, suspended: bool) -> None:
        """Suspend a job as Kueue does, or let it run; mpi-operator follows."""
        with self._changed:
            item = self.get(_JOBS, job)
            assert item is not None
            item["spec"]["runPolicy"]["suspend"] = suspended
            self.put(_JOBS, item)
        words = "suspended" if suspended else "resumed"
        status = "True" if suspended else "False"
        self.set_condition(job, "Suspended", f"MPIJob{words.title()}", f"MPIJob {words}", status)
        if suspended:
            self.set_condition(
                job, "Running", "MPIJobSuspended", f"MPIJob {job} is suspended.", "False"
            )
            with self._changed:
                self._clean_up(job, "launcher", "worker")

    def _clean_up(self, job: str, *roles: str) -> None:
        for name, pod in self._of_job(job):
            role = pod["metadata"]["labels"]["training.kubeflow.org/job-role"]
            phase = pod.get("status", {}).get("phase", "Pending")
            if role in (roles or ("worker",)) and phase in {"Pending", "Running"}:
                self._end_pod(name)

    def log(self, pod: str, *lines: str, end: bool = False) -> None:
        """Let a container write lines."""
        with self._changed:
            self.logs[pod].lines += lines
            self.logs[pod].has_ended |= end
            self._changed.notify_all()

    def forget(self) -> None:
        """Compact the history: who asks for an older version gets 410."""
        with self._changed:
            self._version += 1
            self._oldest = self._version
            self._events.append((self._version, "", {}))
            self._changed.notify_all()

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        with self._changed:
            return copy.deepcopy(self._objects.get((kind, name)))

    def jobs(self) -> list[dict[str, Any]]:
        with self._changed:
            return [item for (kind, _), item in self._objects.items() if kind == _JOBS]

    # What the API does.

    def create(self, kind: str, item: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = item["metadata"]["name"]
        faults = find_faults(item, crd="kubeflow.org_mpijobs.yaml") if kind == _JOBS else []
        if faults:
            return 422, make_status(422, "Invalid", "; ".join(faults))
        with self._changed:
            if (kind, name) in self._objects:
                return 409, make_status(409, "AlreadyExists", f'{kind} "{name}" already exists')
            if kind == _JOBS and self.has_kueue and QUEUE_LABEL in item["metadata"]["labels"]:
                item["spec"]["runPolicy"]["suspend"] = True
            item = self.put(kind, item)
            self.created.append(item)
        if kind == _JOBS:
            threading.Thread(target=self._operate, args=(item,), daemon=True).start()
        return 201, item

    def _operate(self, item: dict[str, Any]) -> None:
        self.set_condition(item["metadata"]["name"], "Created")
        self.operator(self, item)

    def delete(self, kind: str, name: str, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A job in the foreground: it goes after its pods, which go once their nodes say so."""
        with self._changed:
            item = self._objects.get((kind, name))
            if item is None:
                return 404, make_status(404, "NotFound", f'{kind} "{name}" not found')
            uid = options.get("preconditions", {}).get("uid")
            if uid not in (None, item["metadata"]["uid"]):
                return 409, make_status(409, "Conflict", "the UID in the precondition is another")
            if kind == _JOBS:
                for pod, _ in self._of_job(name):
                    self._end_pod(pod)
            if kind == _JOBS and self._of_job(name):
                metadata = {"deletionTimestamp": _NOW, "finalizers": ["foregroundDeletion"]}
                self.put(kind, {**item, "metadata": item["metadata"] | metadata})
            else:
                self._remove((kind, name))
        return 200, make_status(200, "", "")

    def _of_job(self, job: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (name, item)
            for (kind, name), item in self._objects.items()
            if kind == _PODS and item["metadata"].get("labels", {}).get(JOB_LABEL) == job
        ]

    def _end_pod(self, name: str) -> None:
        pod = self._objects[_PODS, name]
        self.put(_PODS, {**pod, "metadata": pod["metadata"] | {"deletionTimestamp": _NOW}})
        if name not in self.silent:
            self._remove((_PODS, name))

    def _remove(self, key: tuple[str, str]) -> None:
        self._version += 1
        gone = self._objects.pop(key)
        gone["metadata"]["resourceVersion"] = str(self._version)
        self._events.append((self._version, key[0], {"type": "DELETED", "object": gone}))
        self._changed.notify_all()
        job = (_JOBS, gone["metadata"].get("labels", {}).get(JOB_LABEL, ""))
        is_waiting = "finalizers" in self._objects.get(job, {"metadata": {}})["metadata"]
        if is_waiting and not self._of_job(job[1]):
            self._remove(job)

    def list(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        with self._changed:
            items = [
                item
                for (own_kind, _), item in self._objects.items()
                if own_kind == kind and _fits(item, query)
            ]
            version = str(self._version)
            return {"kind": "List", "metadata": {"resourceVersion": version}, "items": items}

    def watch(self, kind: str, query: dict[str, str], send: Callable[[bytes], None]) -> None:
        version = int(query.get("resourceVersion") or 0)
        with self._changed:
            is_cut, self.cut_watches = self.cut_watches > 0, max(0, self.cut_watches - 1)
        while True:
            with self._changed:
                if version < self._oldest:
                    gone = make_status(410, "Expired", f"too old resource version: {version}")
                    send(_line({"type": "ERROR", "object": gone}))
                    return
                news = [event for event in self._events if event[0] > version]
                if not news:
                    self._changed.wait(0.5)
                    continue
                lines = [
                    _line(event)
                    for _, own_kind, event in news
                    if own_kind == kind and _fits(event["object"], query)
                ]
                version = news[-1][0]
            for line in lines:
                if is_cut:
                    send(line[: len(line) // 2])
                    raise ConnectionAbortedError
                send(line)

    def follow_log(self, pod: str, send: Callable[[bytes], None]) -> None:
        """From the first line on, each with the time it was written."""
        log, sent = self.logs[pod], 0
        while True:
            with self._changed:
                lines, has_ended = log.lines[sent:], log.has_ended
                if not lines and not has_ended:
                    self._changed.wait(0.5)
                    continue
            for line in lines:
                if log.cut_after == sent:
                    log.cut_after = None
                    raise ConnectionAbortedError
                # As containerd does: the fraction without zeros at its end.
                send(f"2026-11-25T04:00:{sent // 10:02d}.{sent % 10}Z {line}\n".encode())
                sent += 1
            if has_ended and sent == len(log.lines):
                return


def _fits(item: dict[str, Any], query: dict[str, str]) -> bool:
    labels = item["metadata"].get("labels", {})
    for pair in filter(None, query.get("labelSelector", "").split(",")):
        name, _, value = pair.partition("=")
        if labels.get(name) != value:
            return False
    for pair in filter(None, query.get("fieldSelector", "").split(",")):
        path, _, value = pair.partition("=")
        found: Any = item
        for part in path.split("."):
            found = found.get(part, {})
        if found != value:
            return False
    return True


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"
