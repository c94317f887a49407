"""A Kubernetes API server of MPIJobs and pods: list, watch, create, delete, follow a log.

It answers as the real one does, by HTTP: versions of resources, watches as chunked lines, 409
for what is there, 410 for a version that is forgotten, 422 for what the CRD forbids. What
mpi-operator and the nodes would do, the tests do with `put_pod`, `set_condition`, `log`.
"""

import copy
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.custom_resources import find_faults

NAMESPACE = "team"
_JOBS, _PODS = "mpijobs", "pods"
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
        self.cut_watches = 0
        """How many of the next watches are cut within an event."""
        self.logs: dict[str, Log] = {}
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        self._version, self._oldest = 100, 0
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
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

    # What the operator and the nodes do.

    def put(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        """Create an object or change it."""
        with self._changed:
            item = copy.deepcopy(item)
            key = (kind, item["metadata"]["name"])
            metadata = item["metadata"]
            metadata.setdefault("uid", str(uuid.uuid4()))
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            what = "MODIFIED" if key in self._objects else "ADDED"
            self._objects[key] = item
            self._events.append((self._version, kind, {"type": what, "object": item}))
            self._changed.notify_all()
            return item

    def put_pod(self, job: str, role: str, number: int = 0, **status: Any) -> str:
        """Create a pod of a job or change its status; its name."""
        name = f"{job}-{role}-{number}"
        labels = {
            "training.kubeflow.org/job-name": job,
            "training.kubeflow.org/job-role": role,
        }
        self.put(_PODS, {"metadata": {"name": name, "labels": labels}, "status": status})
        if role == "launcher":
            self.logs.setdefault(name, Log())
        return name

    def set_condition(self, job: str, kind: str, reason: str = "", message: str = "") -> None:
        """Change an MPIJob's status."""
        item = self.get(_JOBS, job)
        assert item is not None
        conditions = item.setdefault("status", {}).setdefault("conditions", [])
        condition = {"type": kind, "status": "True", "reason": reason, "message": message}
        self.put(_JOBS, {**item, "status": {"conditions": [*conditions, condition]}})

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

    def create(self, item: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = item["metadata"]["name"]
        if faults := find_faults(item, crd="kubeflow.org_mpijobs.yaml"):
            return 422, _status(422, "Invalid", "; ".join(faults))
        with self._changed:
            if (_JOBS, name) in self._objects:
                return 409, _status(409, "AlreadyExists", f'mpijobs "{name}" already exists')
            item = self.put(_JOBS, item)
        threading.Thread(target=self.operator, args=(self, item), daemon=True).start()
        return 201, item

    def delete(self, name: str, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._changed:
            item = self._objects.get((_JOBS, name))
            if item is None:
                return 404, _status(404, "NotFound", f'mpijobs "{name}" not found')
            uid = options.get("preconditions", {}).get("uid")
            if uid not in (None, item["metadata"]["uid"]):
                return 409, _status(409, "Conflict", "the UID in the precondition is another")
            owned = [
                key
                for key, pod in self._objects.items()
                if pod["metadata"].get("labels", {}).get("training.kubeflow.org/job-name") == name
            ]
            for key in [*owned, (_JOBS, name)]:
                self._version += 1
                gone = self._objects.pop(key)
                gone["metadata"]["resourceVersion"] = str(self._version)
                self._events.append((self._version, key[0], {"type": "DELETED", "object": gone}))
            self._changed.notify_all()
        return 200, _status(200, "", "")

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
                    gone = _status(410, "Expired", f"too old resource version: {version}")
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


def _make_handler(cluster: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, name, rest = self._path()
            query = {key: values[0] for key, values in parse_qs(self._parts.query).items()}
            watches = query.get("watch") == "True" or query.get("watch") == "true"
            verb = "watch" if watches else "get" if name else "list"
            if self._refuses(verb, f"{kind}/{rest}" if rest else kind):
                return
            if rest == "log":
                self._stream(lambda send: cluster.follow_log(name, send))
            elif watches:
                self._stream(lambda send: cluster.watch(kind, query, send))
            elif not name:
                self._answer(200, cluster.list(kind, query))
            else:
                item = cluster.get(kind, name)
                self._answer(200, item) if item else self._answer(
                    404, _status(404, "NotFound", f'{kind} "{name}" not found')
                )

        def do_POST(self) -> None:
            kind, _, _ = self._path()
            body = self._body()
            if not self._refuses("create", kind):
                self._answer(*cluster.create(body))

        def do_DELETE(self) -> None:
            kind, name, _ = self._path()
            body = self._body()
            if not self._refuses("delete", kind):
                self._answer(*cluster.delete(name, body))

        def _path(self) -> tuple[str, str, str]:
            self._parts = urlsplit(self.path)
            _, _, after = self._parts.path.partition(f"/namespaces/{NAMESPACE}/")
            kind, name, rest = [*after.split("/"), "", ""][:3]
            return kind, name, rest

        def _body(self) -> dict[str, Any]:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")

        def _refuses(self, verb: str, kind: str) -> bool:
            cluster.requests.append((verb, kind))
            if cluster.unavailable:
                cluster.unavailable -= 1
                self._answer(503, _status(503, "ServiceUnavailable", "starting"))
                return True
            if (verb, kind) in cluster.forbidden:
                words = f'{kind} is forbidden: User "step" cannot {verb} resource "{kind}"'
                self._answer(403, _status(403, "Forbidden", words))
                return True
            return False

        def _answer(self, code: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, run: Callable[[Callable[[bytes], None]], None]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

            def send(data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            try:
                run(send)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _fits(item: dict[str, Any], query: dict[str, str]) -> bool:
    labels = item["metadata"].get("labels", {})
    for pair in filter(None, query.get("labelSelector", "").split(",")):
        name, _, value = pair.partition("=")
        if labels.get(name) != value:
            return False
    name = query.get("fieldSelector", "").removeprefix("metadata.name=")
    return name in {"", item["metadata"]["name"]}


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


def make_own_pod() -> dict[str, Any]:
    """A step's, as Kubeflow has Argo make it."""
    return {
        "metadata": {"name": "step", "namespace": NAMESPACE, "uid": "uid-of-step"},
        "spec": {
            "serviceAccountName": "pipeline-runner",
            "volumes": [
                {"name": "s3-scratch", "emptyDir": {}},
                {"name": "shared", "persistentVolumeClaim": {"claimName": "bert"}},
                {"name": "kube-api-access-x", "projected": {"sources": []}},
            ],
            "containers": [
                {"name": "wait", "image": "argoexec"},
                {
                    "name": "main",
                    "image": "registry/kubeflow-bert/pretrain@sha256:0123",
                    "env": [
                        {"name": "KFP_POD_NAME", "value": "step"},
                        {"name": "AWS_ENDPOINT_URL", "value": "http://minio:9000"},
                        {
                            "name": "AWS_SECRET_ACCESS_KEY",
                            "valueFrom": {"secretKeyRef": {"name": "minio", "key": "secretkey"}},
                        },
                    ],
                    "volumeMounts": [
                        {"name": "s3-scratch", "mountPath": "/s3"},
                        {"name": "shared", "mountPath": "/shared"},
                    ],
                },
            ],
        },
    }
