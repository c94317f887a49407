"""A running server that several tests ask."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.components.serve.models import write_model

REPOSITORY = Path(__file__).resolve().parents[3]
LABELS = ["no", "perhaps", "yes"]
_START_SECONDS = 60


class Server:
    """A server in a process of its own."""

    def __init__(self, process, http_port, grpc_port, log):
        self.process, self.http_port, self.grpc_port, self.log = process, http_port, grpc_port, log

    def send(self, path, body=None, headers=None):
        """Return the status, the headers and the body of an answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}",
            data,
            {"content-type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def predict(self, instances, **parameters):
        """Return the predictions to a request by protocol v1."""
        body = {"instances": instances, "parameters": parameters}
        status, _, text = self.send("/v1/models/bert:predict", body)
        assert status == 200, text
        return json.loads(text)["predictions"]

    def wait_until_ready(self):
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.send("/v2/health/ready")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text("utf-8"))


def _find_ports():
    with socket.socket() as one, socket.socket() as other:
        for port in (one, other):
            port.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def running_server(folder, model, *flags):
    """A server of a model, ended by a SIGTERM if it still runs."""
    http_port, grpc_port = _find_ports()
    log = folder / f"log-{http_port}"
    command = [sys.executable, "-m", "components.serve", "--model", str(model)]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--max-length-tokens", "96", "--precision", "float32", *flags],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, http_port, grpc_port, log)
    try:
        server.wait_until_ready()
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def question_model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("questions") / "model")


@pytest.fixture(scope="session")
def label_model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("labels") / "model", labels=LABELS)


@pytest.fixture(scope="session")
def ranking_model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("ranking") / "model", labels=["relevance"])


@pytest.fixture(scope="session")
def ranking_server(ranking_model, tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("ranking-server"), ranking_model) as started:
        yield started


@pytest.fixture(scope="session")
def server(question_model, tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("server"), question_model) as started:
        yield started
