"""A company's package index on loopback: passes on what the index of uv.lock has."""

import base64
import functools
import html
import json
import sys
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from pipelines.local.environments import REPOSITORY

_JSON = "application/vnd.pypi.simple.v1+json"
# Nothing listens on port 9: whoever does not go to loopback gets no further.
ONLY_LOOPBACK = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


@functools.cache
def _fetch(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": f"{_JSON}, */*;q=0.1"})
    with urllib.request.urlopen(request) as response:
        return response.read()


class PackageIndex(ThreadingHTTPServer):
    """Serves /simple/NAME/ and the files that its pages link to.

    Args:
        form: "json" (PEP 691) or "html" (PEP 503), whatever the client accepts.
        credentials: "user:password" that each request has to carry.
        change: what a file's content becomes on its way (its name, its content).
        lacks: a part of the names of the files that the index does not have.
        files_host: the host that the pages' links name.
    """

    def __init__(
        self, *, form="json", credentials=None, change=None, lacks=None, files_host="127.0.0.1"
    ):
        super().__init__(("127.0.0.1", 0), _Handler)
        lock = tomllib.loads((REPOSITORY / "uv.lock").read_text("utf-8"))
        self.upstream = next(
            package["source"]["registry"] for package in lock["package"] if package["name"] == "uv"
        )
        self.form, self.lacks = form, lacks
        self.change = change or (lambda name, content: content)
        self.credentials, self.files_host = credentials, files_host
        self.requests: list[tuple[str, str | None]] = []

    def handle_error(self, request, client_address) -> None:
        """Ignore a client that has read enough of a file."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The index's URL, with the credentials."""
        sign_in = f"{self.credentials}@" if self.credentials else ""
        return f"http://{sign_in}127.0.0.1:{self.server_port}/simple"


class _Handler(BaseHTTPRequestHandler):
    server: PackageIndex

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization")
        self.server.requests.append((self.path, authorization))
        credentials = self.server.credentials
        is_page = self.path.startswith("/simple/")
        expected = credentials and f"Basic {base64.b64encode(credentials.encode()).decode()}"
        if is_page and expected and authorization != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif is_page:
            self._send_page(self.path.split("/")[2])
        else:
            url = urllib.parse.unquote(self.path.removeprefix("/files/"))
            name = url.rpartition("/")[2]
            self._send(self.server.change(name, _fetch(url)), "application/octet-stream")

    def _send_page(self, package: str) -> None:
        page = json.loads(_fetch(f"{self.server.upstream}/{package}/"))
        if self.server.lacks:
            page["files"] = [
                file for file in page["files"] if self.server.lacks not in file["filename"]
            ]
        root = f"http://{self.server.files_host}:{self.server.server_port}/files/"
        for file in page["files"]:
            file["url"] = root + urllib.parse.quote(file["url"], safe="/")
        if self.server.form == "json":
            self._send(json.dumps(page).encode(), _JSON)
            return
        links = [
            f'<a href="{html.escape(file["url"])}#sha256={file["hashes"]["sha256"]}" '
            f'data-requires-python="{html.escape(file.get("requires-python") or "")}">'
            f"{file['filename']}</a><br>"
            for file in page["files"]
        ]
        self._send("\n".join(["<!DOCTYPE html>", *links]).encode(), "text/html; charset=utf-8")

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *arguments) -> None:
        """Keep the tests' output clean."""


@contextmanager
def serve_packages(**settings) -> Iterator[PackageIndex]:
    """Run a package index on a free port until the block ends."""
    with PackageIndex(**settings) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
