"""The parts of Kubeflow Pipelines' v2beta1 API that schedules need, over HTTP."""

import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_COLLECTIONS = {
    "experiments": ("experiments", "experiment_id"),
    "pipelines": ("pipelines", "pipeline_id"),
    "recurringruns": ("recurringRuns", "recurring_run_id"),
}


class FakeKfp(ThreadingHTTPServer):
    """Holds objects as the API server shows them."""

    def __init__(self, page_size: int = 2) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _COLLECTIONS}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.writes: list[str] = []
        self.most_a_page = page_size
        self._ids = itertools.count(1)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, collection: str, item: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        id_ = f"{collection}-{number}"
        item = {**item, _COLLECTIONS[collection][1]: id_}
        # In time's order.
        item["created_at"] = f"2026-11-01T00:00:{number:02}Z"
        self.objects[collection][id_] = item
        return item

    def add_pipeline(self, name: str, *versions: str) -> None:
        id_ = self.add("pipelines", {"display_name": name})["pipeline_id"]
        self.versions[id_] = [
            {"pipeline_id": id_, "pipeline_version_id": f"{id_}-{version}", "display_name": version}
            for version in versions
        ]


@contextmanager
def running_fake_kfp() -> Iterator[FakeKfp]:
    """A server on a free port, ended with the block."""
    with FakeKfp() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakeKfp

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts, query = url.path.split("/")[3:], parse_qs(url.query)
        if parts == ["healthz"]:
            return self._answer({"multi_user": False})
        if len(parts) == 3:
            found = {"pipeline_versions": self.server.versions.get(parts[1], [])}
            return self._answer(found)
        collection = parts[0]
        items = self.server.objects[collection]
        if len(parts) == 2:
            return self._answer(items[parts[1]]) if parts[1] in items else self._answer({}, 404)
        return self._answer(self._page(collection, list(items.values()), query))

    def _page(self, collection: str, items: list[dict], query: dict[str, list[str]]) -> dict:
        if query.get("filter"):
            (predicate,) = json.loads(query["filter"][0])["predicates"]
            value = predicate.get("stringValue", predicate.get("string_value"))
            items = [item for item in items if item.get(predicate["key"]) == value]
        if query.get("sort_by") == ["created_at desc"]:
            items = sorted(items, key=lambda item: item["created_at"], reverse=True)
        start = int(query.get("page_token", ["0"])[0] or 0)
        page = {_COLLECTIONS[collection][0]: items[start : start + self.server.most_a_page]}
        if start + self.server.most_a_page < len(items):
            page["next_page_token"] = str(start + self.server.most_a_page)
        return page

    def do_POST(self) -> None:
        self.server.writes.append(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or "{}")
        collection, _, rest = urlsplit(self.path).path.split("/apis/v2beta1/")[1].partition("/")
        if match := re.fullmatch(r"(.+):(enable|disable)", rest):
            run = self.server.objects[collection][match[1]]
            run["status"] = {"enable": "ENABLED", "disable": "DISABLED"}[match[2]]
            return self._answer({})
        if collection == "recurringruns":
            body["status"] = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body.pop("mode")]
            body["max_concurrency"] = str(body["max_concurrency"])
        return self._answer(self.server.add(collection, body))

    def do_DELETE(self) -> None:
        self.server.writes.append(self.path)
        collection, id_ = urlsplit(self.path).path.split("/")[3:]
        del self.server.objects[collection][id_]
        self._answer({})

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass
