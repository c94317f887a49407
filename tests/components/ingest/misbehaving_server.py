"""A server that cuts connections, ignores ranges and changes its files on demand."""

import contextlib
import hashlib
import threading
import time
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """How the server answers one request."""

    content: bytes = b""
    status: int = 200
    cut_after: int | None = None
    """Close the connection after this many bytes of the body."""
    takes_ranges: bool = True
    takes_if_range: bool = True
    takes_if_none_match: bool = True
    most_bytes_a_range: int | None = None
    content_length: int | None = None
    """A length to claim in place of the true one."""
    etag: str | None = None
    """None: made of the content; "": none is sent."""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    """How long the server takes before it answers."""
    repeats_after_seconds: float | None = None
    """Send the content again and again, without an end."""

    def with_etag(self) -> "Answer":
        if self.etag is not None:
            return self
        return replace(self, etag=f'"{hashlib.md5(self.content).hexdigest()}"')


class Server(ThreadingHTTPServer):
    """Answers each path from its own list, the last answer for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Message] = []
        self.most_connections = 0
        self.is_ending = False
        self._num_connections = 0
        self._lock = threading.Lock()

    def count(self, change: int) -> None:
        """Count a request that begins or ends."""
        with self._lock:
            self._num_connections += change
            self.most_connections = max(self.most_connections, self._num_connections)

    def serve(self, path: str, *answers: Answer) -> str:
        """Set the answers of a path; returns its URL."""
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.count(1)
        try:
            self._answer()
        finally:
            self.server.count(-1)

    def _answer(self) -> None:
        self.server.requests.append(self.headers)
        answers = self.server.answers.get(self.path.partition("?")[0], [Answer(status=404)])
        answer = (answers.pop(0) if len(answers) > 1 else answers[0]).with_etag()
        time.sleep(answer.seconds)
        start, status = self._find_start(answer), answer.status
        if answer.takes_if_none_match and self.headers["If-None-Match"] == (answer.etag or ""):
            status, start = 304, len(answer.content)
        elif start > len(answer.content):
            status, start = 416, len(answer.content)
        elif start:
            status = 206
        stop = start + (answer.most_bytes_a_range or len(answer.content))
        body = answer.content[start : stop if status == 206 else None]
        self.send_response(status)
        if status == 206:
            end = start + len(body) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(answer.content)}")
        if status != 304 and answer.repeats_after_seconds is None:
            length = len(body) if answer.content_length is None else answer.content_length
            self.send_header("Content-Length", str(length))
        for name, value in {"ETag": answer.etag, **answer.headers}.items():
            if value:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: answer.cut_after])
        with contextlib.suppress(OSError):  # until the client hangs up
            while answer.repeats_after_seconds is not None and not self.server.is_ending:
                time.sleep(answer.repeats_after_seconds)
                self.wfile.write(body)
                self.wfile.flush()
        self.close_connection = True

    def _find_start(self, answer: Answer) -> int:
        asked = self.headers["Range"]
        if not asked or not answer.takes_ranges or answer.status != 200:
            return 0
        validator = self.headers["If-Range"]
        if validator and answer.takes_if_range and validator != answer.etag:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *args: object) -> None:
        pass
