"""The embedded runner's worker processes: a run ends with any of them, and they end with it.

With Beam's own handler a run waits for ever for a worker that was killed before it got work,
and workers for a run that was killed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcServer,
    GrpcWorkerHandler,
    StateServicer,
    WorkerHandler,
)
from google.protobuf import json_format, text_format

from components.shared.errors import WorkerLostError

_WORKER = "components.preprocess.beam.worker"
_SECONDS_BETWEEN_LOOKS = 0.5
_MAX_SECONDS_TO_END = 10.0


@contextmanager
def watched_workers() -> Iterator[None]:
    """Run a graph in the block; Beam's threads say nothing of a connection that a death breaks.

    Raises:
        WorkerLostError: if a worker died, whatever error the graph ends with.
    """
    WorkerProcess.ends.clear()
    show, threading.excepthook = threading.excepthook, _show_unless_broken
    try:
        yield
    except Exception:
        if WorkerProcess.ends:
            raise WorkerLostError(
                f"a worker process {_describe_end(WorkerProcess.ends[0])}"
            ) from None
        raise
    finally:
        threading.excepthook = show


def _show_unless_broken(arguments: threading.ExceptHookArgs) -> None:
    if not isinstance(arguments.exc_value, grpc.RpcError):
        threading.__excepthook__(arguments)


# Takes the place of Beam's own.
@WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class WorkerProcess(GrpcWorkerHandler):
    """A worker in a process of its own."""

    ends: ClassVar[list[int]] = []
    """How workers ended that were not asked to, as subprocess has it."""

    def __init__(
        self,
        command_line: bytes,  # noqa: ARG002 - of Beam's own worker
        state: StateServicer,
        provision_info: ExtendedProvisionInfo,
        grpc_server: GrpcServer,
    ) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._is_closing, self._has_ended = threading.Event(), threading.Event()

    def start_worker(self) -> None:
        """Start the process, and a thread that waits for its end."""
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "WORKER_ID": self.worker_id,
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(
                self.control_api_service_descriptor()
            ),
            "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(
                self.logging_api_service_descriptor()
            ),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", _WORKER], stdin=subprocess.PIPE, env=environment
        )
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def close(self) -> None:
        """End the process; at once where the run failed, which needs nothing more of it."""
        if self._list_requests():
            # If it died, a broken connection may have told of that before the process itself.
            self._has_ended.wait(_SECONDS_BETWEEN_LOOKS)
            self._is_closing.set()
            self._process.kill()
        self._is_closing.set()
        super().close()

    def stop_worker(self) -> None:
        """Wait for the end of the process, which `close` has asked for."""
        self._watcher.join(_MAX_SECONDS_TO_END)
        self._process.kill()  # one that was just starting was never asked
        self._watcher.join()

    def _list_requests(self) -> list:
        """What the worker was asked for and has not answered yet."""
        return list(self.control_conn._futures_by_id.values())

    def _watch(self) -> None:
        status = self._process.wait()
        if not self._is_closing.is_set():
            self.ends.append(status)
        self._has_ended.set()
        # Answered in its place, and again for what is asked later: Beam would wait.
        while not self._is_closing.wait(_SECONDS_BETWEEN_LOOKS):
            for request in self._list_requests():
                request.set(beam_fn_api_pb2.InstructionResponse(error="the worker died"))


def _describe_end(status: int) -> str:
    if status == -signal.SIGKILL:
        return "was killed, most likely as memory ran out; give more memory, or lower num_workers"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}; run again"
    return f"ended with exit status {status}; its own error stands above"
