"""How the fake Kubernetes speaks HTTP: paths, verbs, errors and streams of its API."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.components.shared.mpijob.fakes.step_pod import NAMESPACE

if TYPE_CHECKING:
    from tests.components.shared.mpijob.fakes.fake_kubernetes import FakeKubernetes


def make_handler(cluster: "FakeKubernetes") -> type[BaseHTTPRequestHandler]:
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
                    404, make_status(404, "NotFound", f'{kind} "{name}" not found')
                )

        def do_POST(self) -> None:
            kind, _, _ = self._path()
            body = self._body()
            if not self._refuses("create", kind):
                code, answer = cluster.create(kind, body)
                if code == 201 and cluster.unanswered:
                    cluster.unanswered -= 1
                    code, answer = (
                        503,
                        make_status(503, "ServiceUnavailable", "etcd leader changed"),
                    )
                self._answer(code, answer)

        def do_DELETE(self) -> None:
            kind, name, _ = self._path()
            body = self._body()
            if not self._refuses("delete", kind):
                self._answer(*cluster.delete(kind, name, body))

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
                self._answer(503, make_status(503, "ServiceUnavailable", "starting"))
                return True
            if (verb, kind) in cluster.forbidden:
                words = f'{kind} is forbidden: User "step" cannot {verb} resource "{kind}"'
                self._answer(403, make_status(403, "Forbidden", words))
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


def make_status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}
