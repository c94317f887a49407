"""Starts a stage's training on several processes of this machine, and ends them together.

horovodrun would do, but it hides which process failed and why behind its own traceback,
and cuts progress bars; its rendezvous server is used here. Under horovodrun or mpirun
themselves (several machines) nothing is launched.
"""

import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from components.shared.errors import InputError

_RANK_VARIABLES = ("HOROVOD_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
_LOOPBACK = "127.0.0.1"
# After the first failure the others fail too, as their peer is gone: wait for all
# reports, then name the one that was the cause.
_GRACE_SECONDS = 3.0


class PeerLostError(RuntimeError):
    """Another process ended: this one's failure is a consequence."""


def run_on_processes(num_processes: int, work: Callable[[Any], None], config: Any) -> None:
    """Call `work(config)` in each of several Horovod processes; return when all have ended.

    Args:
        num_processes: processes to start on this machine; 1 runs in this one.
        work: a function at the top level of a module.
        config: its argument; goes to each process.

    Raises:
        InputError: as the first process that failed raised it.
        RuntimeError: with the traceback of the first process that failed.
    """
    if num_processes == 1 or any(name in os.environ for name in _RANK_VARIABLES):
        work(config)
        return
    from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
    from horovod.runner.http.http_server import RendezvousServer

    server = RendezvousServer()
    port = server.start()
    server.init(get_host_assignments(parse_hosts(f"{_LOOPBACK}:{num_processes}"), num_processes))
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="ranks-") as reports:
        processes = [
            context.Process(
                target=_work_as_rank,
                args=(_rank_environment(rank, num_processes, port), reports, work, config),
                name=f"rank-{rank}",
            )
            for rank in range(num_processes)
        ]
        try:
            for process in processes:
                process.start()
            _wait_for(processes)
            _raise_first_failure(processes, Path(reports))
        finally:
            for process in processes:
                process.kill()
                process.join()
            server.stop()


def _rank_environment(rank: int, num_processes: int, port: int) -> dict[str, str]:
    """What Horovod's Gloo controller reads (horovod/runner/gloo_run.py)."""
    return {
        "HOROVOD_HOSTNAME": _LOOPBACK,
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(num_processes),
        "HOROVOD_LOCAL_RANK": str(rank),
        "HOROVOD_LOCAL_SIZE": str(num_processes),
        "HOROVOD_CROSS_RANK": "0",
        "HOROVOD_CROSS_SIZE": "1",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": _LOOPBACK,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
        "HOROVOD_GLOO_IFACE": _loopback_interface(),
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
    }


def _loopback_interface() -> str:
    names = [name for _, name in socket.if_nameindex()]
    return "lo" if "lo" in names else names[0]


def _work_as_rank(
    environment: dict[str, str], reports: str, work: Callable[[Any], None], config: Any
) -> None:
    os.environ.update(environment)
    rank = int(environment["HOROVOD_RANK"])
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if rank > 0:
        # Rank 0 speaks for all; what the others have to say is in their report.
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    try:
        work(config)
    except BaseException as error:
        kind = "input" if isinstance(error, InputError) else type(error).__name__
        text = str(error) if isinstance(error, InputError) else traceback.format_exc()
        Path(reports, f"{rank}").write_text(f"{kind}\n{text}", encoding="utf-8")
        sys.exit(1)


def _end_with_parent(parent: int) -> None:
    """A launcher that was killed can't end its processes: each watches for that itself."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _wait_for(processes: list[SpawnProcess]) -> None:
    """Wait until all have ended well, or the first badly and the others a little longer."""
    running = list(processes)
    deadline = None
    while running and (deadline is None or time.monotonic() < deadline):
        wait([process.sentinel for process in running], timeout=0.5)
        running = [process for process in running if process.is_alive()]
        if deadline is None and any(process.exitcode for process in processes):
            deadline = time.monotonic() + _GRACE_SECONDS


def _raise_first_failure(processes: list[SpawnProcess], reports: Path) -> None:
    failures = []
    for rank, process in enumerate(processes):
        report = reports / str(rank)
        if report.exists():
            kind, _, text = report.read_text(encoding="utf-8").partition("\n")
            failures.append((kind == PeerLostError.__name__, rank, kind, text))
        elif process.exitcode:
            status = f"signal {-process.exitcode}" if process.exitcode < 0 else process.exitcode
            text = f"the process ended with {status} and no error of its own (out of memory?)"
            failures.append((False, rank, "ended", text))
    if not failures:
        return
    _, rank, kind, text = min(failures)
    if kind == "input":
        raise InputError(text)
    raise RuntimeError(f"rank {rank} of {len(processes)} failed:\n{text}")
