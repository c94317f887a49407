"""A proxy before a server on this machine that fails on demand, as networks and stores do."""

import http.client
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.components.conditional_writes import has_condition, is_met


@dataclass
class Fault:
    """What happens to the next requests of a kind, in place of the server's answer."""

    method: str
    path: str = ""
    """Text in the path."""
    status: int = 0
    body: bytes = b""
    cut_after: int | None = None
    """Pass on so many bytes of the answer's body, then close the connection."""
    seconds: float = 0
    """Silence before the answer goes on."""
    loses_answer: bool = False
    """Answer 503 after the server did what was asked."""
    times: int = 1


@dataclass
class Faults:
    """The faults to come, and the requests seen."""

    coming: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, Range header."""
    failure_rate: float = 0
    """Fraction of the requests, chosen at random, that get a 503: half of them before the server
    has seen the request, half after it did what was asked."""
    num_failed: int = 0
    """Requests that failed so."""
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def fails(self) -> bool:
        """Whether to fail at one of a request's two places."""
        does_fail = self._random.random() < self.failure_rate / 2
        self.num_failed += does_fail
        return does_fail

    def pick(self, method: str, path: str) -> Fault | None:
        """The first that fits, counted down."""
        for fault in self.coming:
            if fault.times and fault.method == method and fault.path in path:
                fault.times -= 1
                return fault
        return None


@contextmanager
def faulty_proxy(target: str, faults: Faults) -> Iterator[str]:
    """Start one before `host:port`; yields its own."""
    lock = threading.Lock()
    writing = threading.Lock()  # the emulators compare and write in two moves

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                faults.requests.append((self.command, self.path, self.headers.get("Range", "")))
                fault = faults.pick(self.command, self.path) or Fault(self.command)
                fails_before, fails_after = faults.fails(), faults.fails()
            if fault.status or fails_before:
                self._answer(fault.status or 503, {}, fault.body, fault)
                return
            with writing if has_condition(self.path, self.headers) else nullcontext():
                if not is_met(target, self.path, body):
                    self._answer(412, {}, b"", fault)
                    return
                connection = http.client.HTTPConnection(target, timeout=30)
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                content = response.read()
            if fails_after or fault.loses_answer:
                self._answer(503, {}, b"", fault)
            else:
                self._answer(response.status, dict(response.getheaders()), content, fault)
            connection.close()

        def _answer(self, status, headers, body, fault) -> None:
            self.send_response(status)
            kept = {"transfer-encoding", "connection", "content-length", "date", "server"}
            for name, value in headers.items():
                if name.lower() not in kept:
                    self.send_header(name, value)
            length = (
                headers.get("Content-Length", len(body)) if self.command == "HEAD" else len(body)
            )
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault.cut_after is None:
                time.sleep(fault.seconds)
                self.wfile.write(body)
                return
            self.wfile.write(body[: fault.cut_after])
            self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _pass_on

        def log_message(self, *_):
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
