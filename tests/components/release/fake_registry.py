"""A server on loopback with the part of Kubeflow's Model Registry that a release speaks to.

Paths, fields, and what is unique are those of the API's documents, v1 and v1alpha3.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

API = "/api/model_registry/"
_COMMON = {"customProperties", "description", "externalId", "name"}
# What may be given, and what must be.
_FIELDS = {
    "registered_model": (_COMMON | {"owner", "state", "readme"}, {"name"}),
    "model_version": (
        _COMMON | {"registeredModelId", "author", "state"}, {"name", "registeredModelId"},
    ),
    "model_artifact": (
        _COMMON | {"artifactType", "uri", "state", "modelFormatName", "modelFormatVersion"},
        {"artifactType"},
    ),
}  # fmt: skip
_VALUES = {
    "MetadataStringValue": ("string_value", str),
    "MetadataDoubleValue": ("double_value", float),
}


class Registry(ThreadingHTTPServer):
    """Keeps what it is given, by kind."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.resources: dict[str, list[dict]] = {kind: [] for kind in _FIELDS}
        self.version = "v1"
        self.posts: list[str] = []
        self.tokens: set[str | None] = set()
        self.failing: tuple[str, int] | None = None
        """A text in the path of requests, and the status that answers them."""
        self.body = {"code": "500", "message": "no  database\nconnection"}
        self.seconds = 0.0
        """How long it takes before it answers."""
        self.comes_first = False
        """Whether another client creates each resource just before this one does."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def find(self, kind: str, name: str, parent: str) -> dict | None:
        matches = [
            one for one in self.resources[kind] if (one["name"], one["parent"]) == (name, parent)
        ]
        return matches[0] if matches else None

    def create(self, kind: str, fields: dict, parent: str) -> tuple[int, dict]:
        allowed, required = _FIELDS[kind]
        if not required <= {*fields} <= allowed:
            return 400, {"code": "400", "message": f"fields {sorted(fields)}"}
        for value in fields.get("customProperties", {}).values():
            key, expected = _VALUES[value["metadataType"]]
            if {*value} != {"metadataType", key} or not isinstance(value[key], expected):
                return 400, {"code": "400", "message": f"value {value}"}
        if self.find(kind, fields["name"], parent):
            return 409, {"code": "409", "message": "already exists"}
        number = 1 + sum(map(len, self.resources.values()))
        made = {**fields, "id": str(number), "parent": parent}
        self.resources[kind].append(made)
        return 201, made


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        if self._fails():
            return
        place = urlsplit(self.path)
        kind, query = place.path.removeprefix(self._root), dict(parse_qsl(place.query))
        if kind == "registered_models":
            self._answer(200, {"items": self.server.resources["registered_model"]})
            return
        found = self.server.find(kind, query["name"], query.get("parentResourceId", ""))
        self._answer(200 if found else 404, found or {"code": "404", "message": "not found"})

    def do_POST(self) -> None:
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._fails():
            return
        path = self.path.removeprefix(self._root)
        self.server.posts.append(path)
        kind, parent = path.removesuffix("s"), fields.get("registeredModelId", "")
        if path.endswith("/artifacts"):
            kind, parent = "model_artifact", path.split("/")[1]
        if self.server.comes_first:
            self.server.create(kind, fields, parent)
        self._answer(*self.server.create(kind, fields, parent))

    @property
    def _root(self) -> str:
        return f"{API}{self.server.version}/"

    def _fails(self) -> bool:
        self.server.tokens.add(self.headers["Authorization"])
        time.sleep(self.server.seconds)
        if not self.path.startswith(self._root):
            self.send_error(404)
            return True
        part, status = self.server.failing or ("", 0)
        if not status or part not in self.path:
            return False
        self._answer(status, self.server.body)
        return True

    def _answer(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep pytest's output clean."""


@contextmanager
def serve_registry() -> Iterator[Registry]:
    """Serve an empty registry."""
    with Registry() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
