"""Dataflow's REST service on this machine: takes a job, runs the graph that it staged."""

import json
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.preprocess.storage import filesystem

_JOB = re.compile(r"/v1b3/projects/[^/]+/locations/[^/]+/jobs")


class Service(ThreadingHTTPServer):
    """Remembers the job that it was sent, and how it went."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.job, self.graph, self.state = {}, None, "JOB_STATE_RUNNING"
        self.messages = []

    def start_job(self, job):
        self.job = job
        options = job["environment"]["sdkPipelineOptions"]["options"]
        with filesystem.open_file(options["pipelineUrl"]) as file:
            self.graph = beam_runner_api_pb2.Pipeline.FromString(file.read())
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        """In this process: what is asked for in containers needs an engine."""
        graph = beam_runner_api_pb2.Pipeline()
        graph.CopyFrom(self.graph)
        for environment in graph.components.environments.values():
            environment.urn = python_urns.EMBEDDED_PYTHON
            environment.payload = b""
            del environment.dependencies[:]
        try:
            FnApiRunner().run_via_runner_api(graph, PipelineOptions([])).wait_until_finish()
            self.state = "JOB_STATE_DONE"
        except Exception:
            message = {
                "id": "1",
                "time": "2026-10-01T12:00:00Z",
                "messageText": traceback.format_exc(),
                "messageImportance": "JOB_MESSAGE_ERROR",
            }
            self.messages.append(message)
            self.state = "JOB_STATE_FAILED"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.start_job(json.loads(body))
        self._answer({"id": "job-1", "currentState": "JOB_STATE_PENDING"})

    def do_GET(self):
        if re.fullmatch(f"{_JOB.pattern}/job-1", self.path.partition("?")[0]):
            self._answer({"id": "job-1", "currentState": self.server.state})
        elif self.path.partition("?")[0].endswith("/messages"):
            self._answer({"jobMessages": self.server.messages})
        else:  # metrics
            self._answer({})

    def _answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def dataflow_service() -> Iterator[Service]:
    """The service, while the block runs."""
    service = Service()
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
