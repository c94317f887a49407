"""Starts a stage's training on several processes of this machine, and ends them together.

horovodrun would do, but it hides which process failed and why behind its own traceback,
and cuts progress bars; its rendezvous server is used here. Under horovodrun or mpirun
themselves (several machines) nothing is launched: each process watches the others itself.
"""

import faulthandler
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from components.shared.bert import mpirun
from components.shared.bert.pulse import Watch, pulse, reader, server_address
from components.shared.errors import DivergedError, InputError, PeerLostError, Preempted

_RANK_VARIABLES = ("HOROVOD_RANK", "OMPI_COMM_WORLD_RANK")
_GLOO_TIMEOUT_VARIABLE = "HOROVOD_GLOO_TIMEOUT_SECONDS"
_LOOPBACK = "127.0.0.1"
# After the first failure the others fail too, as their peer is gone: wait for all
# reports, then name the one that was the cause.
_GRACE_SECONDS = 3.0
_LOOK_EVERY_SECONDS = 1.0
# Which failure is told where several processes failed: the cause before its consequences.
_LAST_TOLD = (Preempted.__name__, PeerLostError.__name__)
# What is raised again as the process raised it, without its traceback.
_IN_THEIR_OWN_WORDS = {one.__name__: one for one in (DivergedError, InputError, Preempted)}


def rank_from_outside() -> int | None:
    """The rank that horovodrun or mpirun gave this process; None where neither started it."""
    ranks = [os.environ[name] for name in _RANK_VARIABLES if name in os.environ]
    return int(ranks[0]) if ranks else None


def run_on_processes(
    num_processes: int,
    work: Callable[[Any], None],
    config: Any,
    *,
    hang_timeout_seconds: float,
) -> None:
    """Call `work(config)` in each of several Horovod processes; return when all have ended.

    Args:
        num_processes: processes to start on this machine; 1 runs in this one.
        work: a function at the top level of a module.
        config: its argument; goes to each process.
        hang_timeout_seconds: how long one may stand still before all are ended.

    Raises:
        InputError, DivergedError: as the first process that failed raised it.
        Preempted: after a SIGTERM, once the processes have saved what they had.
        RuntimeError: with the traceback of the first process that failed, or the stack of
            the one that hung.
    """
    if rank_from_outside() is not None:
        mpirun.join()
        _expect_own_address()
        _watch_from_within(hang_timeout_seconds)
        try:
            work(config)
        except PeerLostError:
            time.sleep(_GRACE_SECONDS)  # horovodrun names the one that ends first
            raise
        return
    if num_processes == 1:
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
                args=(
                    _rank_environment(rank, num_processes, port, hang_timeout_seconds),
                    reports,
                    work,
                    config,
                ),
                name=f"rank-{rank}",
            )
            for rank in range(num_processes)
        ]
        watch = Watch(num_processes, hang_timeout_seconds, reader((_LOOPBACK, port)))
        try:
            with _forward_sigterm(processes) as asked_to_end:
                for process in processes:
                    process.start()
                _wait_for(processes, watch, Path(reports))
            _raise_first_failure(processes, Path(reports), asked_to_end.is_set())
        finally:
            for process in processes:
                process.kill()
                process.join()
            server.stop()


def _rank_environment(
    rank: int, num_processes: int, port: int, hang_timeout_seconds: float
) -> dict[str, str]:
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
        _GLOO_TIMEOUT_VARIABLE: _gloo_timeout(hang_timeout_seconds),
    }


def _gloo_timeout(hang_timeout_seconds: float) -> str:
    """Gloo gives up on a peer by itself, but doesn't say which: not before we have."""
    return str(round(3 * hang_timeout_seconds))


def _loopback_interface() -> str:
    names = [name for _, name in socket.if_nameindex()]
    return "lo" if "lo" in names else names[0]


@contextmanager
def _forward_sigterm(processes: list[SpawnProcess]) -> Iterator[threading.Event]:
    """Let the processes save their state: Kubernetes sends the signal to the first alone."""
    asked_to_end = threading.Event()

    def forward(*_: Any) -> None:
        asked_to_end.set()
        for process in processes:
            if process.is_alive():
                process.terminate()

    # Python takes signals in the main thread only; a test may run elsewhere.
    if threading.current_thread() is not threading.main_thread():
        yield asked_to_end
        return
    before = signal.signal(signal.SIGTERM, forward)
    try:
        yield asked_to_end
    finally:
        signal.signal(signal.SIGTERM, before)


def _work_as_rank(
    environment: dict[str, str], reports: str, work: Callable[[Any], None], config: Any
) -> None:
    os.environ.update(environment)
    rank = int(environment["HOROVOD_RANK"])
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    # What a process that hangs was doing; the launcher asks for it.
    stack = _stack_file(Path(reports), rank).open("w", encoding="utf-8")
    faulthandler.register(signal.SIGUSR1, file=stack)
    if rank > 0:
        # Rank 0 speaks for all; what the others have to say is in their report.
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    try:
        work(config)
    except BaseException as error:
        kind, text = type(error).__name__, traceback.format_exc()
        if kind in _IN_THEIR_OWN_WORDS:
            text = str(error)
        _report(Path(reports), rank, kind, text)
        sys.exit(1)


def _stack_file(reports: Path, rank: int) -> Path:
    return reports / f"{rank}.stack"


def _report(reports: Path, rank: int, kind: str, text: str) -> None:
    (reports / f"{rank}").write_text(f"{kind}\n{text}", encoding="utf-8")


def _end_with_parent(parent: int) -> None:
    """A launcher that was killed can't end its processes: each watches for that itself."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _wait_for(processes: list[SpawnProcess], watch: Watch, reports: Path) -> None:
    """Wait until all have ended well, or the first badly and the others a little longer."""
    running = dict(enumerate(processes))
    deadline = None
    while running and (deadline is None or time.monotonic() < deadline):
        wait([process.sentinel for process in running.values()], timeout=_LOOK_EVERY_SECONDS)
        running = {rank: process for rank, process in running.items() if process.is_alive()}
        if deadline is not None:
            continue
        if any(process.exitcode for process in processes):
            deadline = time.monotonic() + _GRACE_SECONDS
        elif stuck := watch.find_stuck(running):
            _report_stuck(*stuck, running[stuck[0]], reports)
            return


def _report_stuck(rank: int, what: str, process: SpawnProcess, reports: Path) -> None:
    assert process.pid is not None, "a process that was started has an id"
    os.kill(process.pid, signal.SIGUSR1)
    time.sleep(1)  # for its stack; one that is stopped writes none
    stack = _stack_file(reports, rank).read_text(encoding="utf-8")
    _report(reports, rank, "stuck", f"it {what}; all were ended\n{stack}".rstrip())


def _expect_own_address() -> None:
    """Horovod 0.28 tells the others the address of this machine's name, whatever the interface."""
    if int(os.environ.get("HOROVOD_CROSS_SIZE", "1")) == 1:
        return
    name = socket.gethostname()
    address = socket.gethostbyname(name)
    if address.startswith("127."):
        raise InputError(
            f"{name}: this machine's name stands for {address}, where the other machines can't "
            "reach it; let /etc/hosts or the DNS give its address in the network"
        )


def _watch_from_within(timeout_seconds: float) -> None:
    """Where another launcher started the processes: end this one if any of them hangs.

    Its end makes horovodrun and mpirun end the others.
    """
    own, address = rank_from_outside(), server_address()
    num_processes = int(os.environ.get("HOROVOD_SIZE", "1"))
    if address is None or num_processes == 1:
        return
    os.environ[_GLOO_TIMEOUT_VARIABLE] = _gloo_timeout(timeout_seconds)
    watch = Watch(num_processes, timeout_seconds, reader(address))

    def repeat() -> None:
        while True:
            time.sleep(_LOOK_EVERY_SECONDS)
            # A process that moves asks nobody, so that hundreds don't ask one server.
            if pulse.idle_seconds() > timeout_seconds / 2 and (
                stuck := watch.find_stuck(range(num_processes))
            ):
                rank, what = stuck
                print(
                    f"rank {rank} of {num_processes} {what}; rank {own} ends",
                    file=sys.__stderr__,
                    flush=True,
                )
                if rank == own:
                    faulthandler.dump_traceback()
                os._exit(1)

    threading.Thread(target=repeat, name="watch", daemon=True).start()


def _raise_first_failure(processes: list[SpawnProcess], reports: Path, asked_to_end: bool) -> None:
    failures = []
    for rank, process in enumerate(processes):
        report = reports / str(rank)
        if report.exists():
            kind, _, text = report.read_text(encoding="utf-8").partition("\n")
        elif asked_to_end and process.exitcode == -signal.SIGTERM:
            kind, text = Preempted.__name__, "ended by SIGTERM before the first update"
        elif process.exitcode:
            status = f"signal {-process.exitcode}" if process.exitcode < 0 else process.exitcode
            kind = "ended"
            text = f"the process ended with {status} and no error of its own (out of memory?)"
        else:
            continue
        told = _LAST_TOLD.index(kind) + 1 if kind in _LAST_TOLD else 0
        failures.append((told, rank, kind, text))
    if not failures:
        return
    _, rank, kind, text = min(failures)
    if kind in _IN_THEIR_OWN_WORDS:
        raise _IN_THEIR_OWN_WORDS[kind](text)
    raise RuntimeError(f"rank {rank} of {len(processes)} failed:\n{text}")
