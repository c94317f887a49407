"""A Kubeflow Pipelines 2.17 over HTTP: what the command line uses of its API and of its UI.

Its answers are those that were recorded of a real one, or have their form.
"""

import email.message
import email.parser
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from pipelines.local.environments import REPOSITORY
from pipelines.monitoring.metadata import decode_frames
from tests.answers import read_answer
from tests.pipelines.fakes.fake_metadata import Execution, answer_metadata
from tests.pipelines.fakes.fake_workflow import list_tasks
from tests.servers import running

_COLLECTIONS = {
    "experiments": ("experiments", "experiment_id"),
    "pipelines": ("pipelines", "pipeline_id"),
    "recurringruns": ("recurringRuns", "recurring_run_id"),
    "runs": ("runs", "run_id"),
}
_NO_TIME = "1970-01-01T00:00:00Z"
# What the API server says of a path that it does not know.
_NO_ROUTE = {"code": 5, "message": "Not Found", "details": []}
_ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")


class FakeKfp(ThreadingHTTPServer):
    """Holds objects as the API server shows them."""

    daemon_threads = True

    def __init__(self, page_size: int = 2) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _COLLECTIONS}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.writes: list[str] = []
        self.most_a_page = page_size
        self.token = ""
        """What a request must bear, where one is needed."""
        self.story: list[tuple[str, Mapping[str, str]]] = [("RUNNING", {})]
        """What each look at a run finds: its state and its steps'; the last stays."""
        self.release = "2.17.0"
        self.is_ui = True
        """Whether the address is the UI's, which passes the API on, or the API server's own."""
        self.executions: list[Execution] = []
        """What ML Metadata knows of every run's steps."""
        self.listed_tasks: list[dict[str, Any]] | None = None
        """Of every run, with their outputs, where the server has no ML Metadata any more."""
        self.logs: dict[str, str] = {}
        """By pod, as long as it is there."""
        self.stored: dict[str, str] = {}
        """What the UI reads from the artifact store, by source/bucket/key."""
        self.metadata_error = ""
        """What ML Metadata says instead of an answer."""
        self.failures: list[int] = []
        """Statuses that the next looks at a run are answered with."""
        self._last_tasks: dict[str, list[dict[str, Any]]] = {}
        """By run, what the next look at an ended one shows."""
        self._ids = itertools.count(1)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, collection: str, item: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        id_ = f"{collection}-{number}"
        item = {**item, _COLLECTIONS[collection][1]: id_}
        item.setdefault("created_at", self._time(number))
        if collection == "pipelines":
            item.setdefault("name", item["display_name"])
        self.objects[collection][id_] = item
        return item

    def add_pipeline(self, name: str, *versions: str) -> None:
        id_ = self.add("pipelines", {"display_name": name})["pipeline_id"]
        for version in versions:
            self.add_version(id_, version, _read_committed(name))

    def add_version(self, pipeline_id: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        version = {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": f"{pipeline_id}-{name}",
            "display_name": name,
            "created_at": self._time(next(self._ids)),
            "pipeline_spec": spec,
        }
        self.versions.setdefault(pipeline_id, []).append(version)
        return version

    def look_at(self, run: dict[str, Any]) -> dict[str, Any]:
        """Return the run as it is now; time goes on with each look."""
        if run["state"] not in _ENDED:
            state, steps = self.story.pop(0) if len(self.story) > 1 else self.story[0]
            # The real one ends a canceled run as failed.
            self.change(run, "FAILED" if run["state"] == "CANCELING" else state)
            ended = run["state"] in _ENDED
            if self.listed_tasks is None:
                tasks = list_tasks(run["run_id"], "bert-x2v5k", steps)
                # The real one stores a run's end first, and then that of its steps.
                if ended and "run_details" in run:
                    self._last_tasks[run["run_id"]] = tasks
                else:
                    run["run_details"] = {"task_details": tasks}
            run["finished_at"] = "2026-11-01T02:00:00Z" if ended else _NO_TIME
        elif run["run_id"] in self._last_tasks:
            run["run_details"] = {"task_details": self._last_tasks.pop(run["run_id"])}
        return run

    @staticmethod
    def change(run: dict[str, Any], state: str) -> None:
        """Change a run's state, and note it in its history."""
        if run["state"] != state:
            run["state"] = state
            entry = {"update_time": "2026-11-01T00:00:30Z", "state": state}
            run.setdefault("state_history", []).append(entry)

    @staticmethod
    def _time(number: int) -> str:
        """In the order in which things were made."""
        return f"2026-11-01T00:{number // 60:02}:{number % 60:02}Z"


def _adapt(answer: str, recorded: str, name: str) -> dict[str, Any]:
    """Return a recorded answer with another name in it."""
    text = json.dumps(read_answer(answer)).replace(f" {recorded} ", f" {name} ")
    adapted: dict[str, Any] = json.loads(text.replace(f" {recorded}:", f" {name}:"))
    return adapted


def _read_committed(name: str) -> dict[str, Any]:
    """The specification of a pipeline's committed package for machines without GPUs."""
    stem = {"bert-retraining": "retraining"}.get(name, name)
    path = REPOSITORY / "manifests" / "pipelines" / f"{stem}-cpu.yaml"
    if not path.exists():
        return {}
    spec, platform = yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {"pipeline_spec": spec, "platform_spec": platform}


def running_fake_kfp() -> AbstractContextManager[FakeKfp]:
    """A server on a free port, ended with the block."""
    return running(FakeKfp())


class _Handler(BaseHTTPRequestHandler):
    server: FakeKfp

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts, query = url.path.split("/")[3:], parse_qs(url.query)
        # The API server answers this one without a token.
        if url.path == "/apis/v2beta1/healthz":
            # The UI's server adds its version.
            version = {"frontendTagName": self.server.release} if self.server.is_ui else {}
            return self._answer({"multi_user": bool(self.server.token), **version})
        if not self._may():
            return None
        if not url.path.startswith("/apis/v2beta1/"):
            return self._answer_beside(url.path, query)
        collection = parts[0]
        if collection not in _COLLECTIONS:
            return self._answer(_NO_ROUTE, 404)
        if collection == "runs" and parts[2:] == ["tasks"]:
            return self._answer_tasks(query)
        if collection == "pipelines" and len(parts) > 2:
            return self._answer_versions(parts, query)
        items = self.server.objects[collection]
        if len(parts) > 1:
            if collection == "runs" and self.server.failures:
                return self._refuse(self.server.failures.pop(0), "upstream connect error")
            if parts[1] not in items:
                return self._answer(_adapt("error-no-run", "nope", parts[1]), 404)
            found = items[parts[1]]
            return self._answer(self.server.look_at(found) if collection == "runs" else found)
        name = _COLLECTIONS[collection][0]
        return self._answer(self._page(name, list(items.values()), query))

    def _answer_beside(self, path: str, query: dict[str, list[str]]) -> None:
        """Beside the API: the log of a pod, at the API server or the UI, and the UI's artifacts."""
        if match := re.fullmatch(r"/apis/v1alpha1/runs/(.+)/nodes/(.+)/log", path):
            if self.server.is_ui:
                return self._answer_text("Cannot GET", 404)
            # The real one has sent the status before it looks for the pod.
            said = f"Failed to read logs for run {match[1]}: pods {match[2]!r} not found"
            error = json.dumps({"error_message": said, "error_details": said})
            return self._answer_text(self.server.logs.get(match[2], error))
        if not self.server.is_ui:
            return self._answer_text("404 page not found\n", 404)
        # Where there are users, the UI takes the gateway's header in place of a token.
        if self.server.token:
            return self._answer_text("Authentication required", 401)
        if path == "/k8s/pod/logs":
            pod = query["podname"][0]
            if pod not in self.server.logs:
                return self._answer_text("pod not found", 404)
            return self._answer_text(self.server.logs[pod])
        assert path == "/artifacts/get"
        place = "/".join(query[name][0] for name in ("source", "bucket", "key"))
        if place not in self.server.stored:
            return self._answer_text("Failed to get object in bucket: NoSuchKey", 500)
        return self._answer_text(self.server.stored[place])

    def _answer_tasks(self, query: dict[str, list[str]]) -> None:
        if self.server.listed_tasks is None:
            return self._answer(_NO_ROUTE, 404)
        return self._answer(self._page("tasks", self.server.listed_tasks, query))

    def _answer_versions(self, parts: Sequence[str], query: dict[str, list[str]]) -> None:
        versions = self.server.versions.get(parts[1], [])
        if len(parts) == 3:
            return self._answer(self._page("pipeline_versions", versions, query))
        (version,) = (one for one in versions if one["pipeline_version_id"] == parts[3])
        return self._answer(version)

    def _page(self, name: str, items: list[dict], query: dict[str, list[str]]) -> dict:
        if query.get("filter"):
            (predicate,) = json.loads(query["filter"][0])["predicates"]
            value = predicate.get("stringValue", predicate.get("string_value"))
            items = [item for item in items if item.get(predicate["key"]) == value]
        for field in ("namespace", "experiment_id"):
            if query.get(field):
                items = [item for item in items if item.get(field) == query[field][0]]
        if query.get("sort_by") == ["created_at desc"]:
            items = sorted(items, key=lambda item: item["created_at"], reverse=True)
        start = int(query.get("page_token", ["0"])[0] or 0)
        page: dict[str, Any] = {name: items[start : start + self.server.most_a_page]}
        page["total_size"] = len(items)
        if start + self.server.most_a_page < len(items):
            page["next_page_token"] = str(start + self.server.most_a_page)
        return page

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        if not self._may():
            return None
        if url.path.startswith("/ml_metadata."):
            if not self.server.is_ui:
                return self._answer_text("404 page not found\n", 404)
            return self._answer_metadata(url.path.rpartition("/")[2], content)
        self.server.writes.append(self.path)
        collection, _, rest = url.path.split("/apis/v2beta1/")[1].partition("/")
        if rest == "upload_version":
            return self._upload(parse_qs(url.query), content)
        if match := re.fullmatch(r"(.+):(enable|disable|terminate)", rest):
            item = self.server.objects[collection][match[1]]
            if match[2] == "terminate":
                self.server.change(item, "CANCELING")
            else:
                item["status"] = {"enable": "ENABLED", "disable": "DISABLED"}[match[2]]
                item["mode"] = match[2].upper()
            return self._answer({})
        body = json.loads(content or b"{}")
        if collection == "recurringruns":
            body["status"] = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body["mode"]]
            body["max_concurrency"] = str(body["max_concurrency"])
        # What is in an experiment is in its namespace.
        if experiment := self.server.objects["experiments"].get(body.get("experiment_id", "")):
            body["namespace"] = experiment.get("namespace")
        if collection == "runs":
            body |= {"state": "", "finished_at": _NO_TIME, "storage_state": "AVAILABLE"}
            self.server.change(body, "PENDING")
        return self._answer(self.server.add(collection, body))

    def _upload(self, query: dict[str, list[str]], content: bytes) -> None:
        pipeline_id, name = query["pipelineid"][0], query["name"][0]
        if any(one["display_name"] == name for one in self.server.versions.get(pipeline_id, [])):
            return self._refuse(409, f"the name {name} already exists")
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message: email.message.Message = email.parser.BytesParser().parsebytes(head + content)
        (part,) = message.get_payload()  # type: ignore[misc]
        documents = list(yaml.safe_load_all(part.get_payload(decode=True)))  # type: ignore[union-attr]
        spec = documents[0]
        if len(documents) > 1:
            spec = {"pipeline_spec": documents[0], "platform_spec": documents[1]}
        return self._answer(self.server.add_version(pipeline_id, name, spec))

    def _answer_metadata(self, method: str, content: bytes) -> None:
        run_ids = list(self.server.objects["runs"])
        body = b""
        if not self.server.metadata_error:
            request = decode_frames(content)[0]
            body = answer_metadata(method, request, run_ids, self.server.executions)
        self.send_response(200)
        if self.server.metadata_error:  # an error without a message is in the head alone
            self.send_header("grpc-status", "14")
            self.send_header("grpc-message", self.server.metadata_error.replace(" ", "%20"))
        self.send_header("Content-Type", "application/grpc-web+proto")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self) -> None:
        self.server.writes.append(self.path)
        collection, id_, *below = urlsplit(self.path).path.split("/")[3:]
        if below:
            versions = self.server.versions[id_]
            (gone,) = (one for one in versions if one["pipeline_version_id"] == below[1])
            versions.remove(gone)
        else:
            del self.server.objects[collection][id_]
        self._answer({})

    def _may(self) -> bool:
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self._answer(read_answer("error-no-token"), 401)
            return False
        return True

    def _refuse(self, status: int, message: str) -> None:
        self._answer({"error": message, "code": 13, "message": message, "details": []}, status)

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer_text(self, text: str, status: int = 200) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass
