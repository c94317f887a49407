"""Starts a stage's training on several processes of this machine, and ends them together.

horovodrun would do, but it hides which process failed and why behind its own traceback,
and cuts progress bars. A single process is a child too:
what ends it, such as the kernel for want of memory, leaves this one alive. Under horovodrun or
mpirun themselves (several machines) nothing is launched: each process watches the others itself.
"""

import ctypes
import faulthandler
import multiprocessing
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

from components.shared.errors import (
    DamagedError,
    DivergedError,
    InputError,
    NewerFormatError,
    PeerLostError,
    Preempted,
    TrainingLostError,
    UnreachableError,
)
from components.shared.files.atomic import os_errors_explained
from components.shared.processes import mpirun
from components.shared.processes.heartbeat import Watch, pulse, reader
from components.shared.processes.rendezvous import Address, Rendezvous
from components.shared.processes.termination import Termination

_RANK_VARIABLES = ("HOROVOD_RANK", "OMPI_COMM_WORLD_RANK")
_GLOO_TIMEOUT_VARIABLE = "HOROVOD_GLOO_TIMEOUT_SECONDS"
_LOOPBACK = "127.0.0.1"
# After the first failure the others fail too, as their peer is gone: wait for all
# reports, then name the one that was the cause.
_GRACE_SECONDS = 3.0
# Once all are done, nothing is lost with a process that doesn't end.
_LEAVE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 1.0
_DONE = "done"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_MAX_REPORT_CHARACTERS = 10_000
# How the kernel ends a process for want of memory, and what a shell or container makes of it.
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
# Which failure is told where several processes failed: the cause before its consequences.
_LAST_TOLD = (Preempted.__name__, PeerLostError.__name__)
# What is raised again as the process raised it, without its traceback.
_IN_THEIR_OWN_WORDS = {
    one.__name__: one
    for one in (
        DamagedError,
        DivergedError,
        InputError,
        NewerFormatError,
        Preempted,
        UnreachableError,
    )
}


def rank_from_outside() -> int | None:
    """The rank that horovodrun or mpirun gave this process; None where neither started it."""
    ranks = [os.environ[name] for name in _RANK_VARIABLES if name in os.environ]
    return int(ranks[0]) if ranks else None


def run_as_rank(work: Callable[[Any], None], config: Any, *, hang_timeout_seconds: float) -> None:
    """Call `work(config)` in a process that horovodrun or mpirun started.

    Raises:
        Exception: as `work` does.
    """
    mpirun.join()
    _expect_own_address()
    _watch_from_within(hang_timeout_seconds)
    try:
        work(config)
    except PeerLostError:
        time.sleep(_GRACE_SECONDS)  # horovodrun names the one that ends first
        raise


def run_on_processes(
    num_processes: int,
    work: Callable[[Any], None],
    config: Any,
    *,
    hang_timeout_seconds: float,
    termination: Termination,
) -> None:
    """Call `work(config)` in each of several Horovod processes; return when all have ended.

    Args:
        num_processes: processes to start on this machine.
        work: a function at the top level of a module.
        config: its argument; goes to each process.
        hang_timeout_seconds: how long one may stand still before all are ended.
        termination: passes a SIGTERM on to them.

    Raises:
        InputError, DivergedError, UnreachableError: as the first process that failed raised it.
        Preempted: after a SIGTERM, once the processes have saved what they had.
        TrainingLostError: with the traceback of the first process that failed, the signal that
            ended it, or the stack of the process that hung.
    """
    rendezvous = Rendezvous(
        Address(_LOOPBACK, 0, secrets.token_hex()),
        hosts=f"{_LOOPBACK}:{num_processes}",
        num_ranks=num_processes,
    )
    context = multiprocessing.get_context("spawn")
    # Also the processes' own temporary files: one that is killed removes none.
    with tempfile.TemporaryDirectory(prefix="ranks-", ignore_cleanup_errors=True) as scratch:
        pipes = [context.Pipe(duplex=False) for _ in range(num_processes)]
        processes = [
            context.Process(
                target=_work_as_rank,
                args=(
                    _rank_environment(
                        rank, num_processes, rendezvous.address, hang_timeout_seconds
                    ),
                    scratch,
                    report,
                    work,
                    config,
                ),
                name=f"rank-{rank}",
            )
            for rank, (_, report) in enumerate(pipes)
        ]
        watch = Watch(num_processes, hang_timeout_seconds, reader(rendezvous.address))
        try:
            reports = _Reports([report for report, _ in pipes])
            with termination.passed_on_to(processes):
                stuck = _wait_for(processes, reports, watch, Path(scratch))
            failures = _find_failures(processes, reports.read(), termination.is_requested)
            if failures or stuck:
                raise _explain(stuck or min(failures), num_processes)
        finally:
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()
            rendezvous.stop()


def _rank_environment(
    rank: int, num_processes: int, address: Address, hang_timeout_seconds: float
) -> dict[str, str]:
    """Return the variables that Horovod's Gloo controller reads (horovod/runner/gloo_run.py)."""
    return {
        "HOROVOD_HOSTNAME": _LOOPBACK,
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(num_processes),
        "HOROVOD_LOCAL_RANK": str(rank),
        "HOROVOD_LOCAL_SIZE": str(num_processes),
        "HOROVOD_CROSS_RANK": "0",
        "HOROVOD_CROSS_SIZE": "1",
        **address.variables(),
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


def _work_as_rank(
    environment: dict[str, str],
    scratch: str,
    report: Connection,
    work: Callable[[Any], None],
    config: Any,
) -> None:
    _end_with_parent()
    os.environ.update(environment)
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    rank = int(environment["HOROVOD_RANK"])
    # What a process that hangs was doing; the launcher asks for it.
    stack = _stack_file(Path(scratch), rank).open("w", encoding="utf-8")
    faulthandler.register(signal.SIGUSR1, file=stack)
    if rank > 0:
        # Rank 0 speaks for all; what the others have to say is in their report.
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    try:
        with os_errors_explained():
            work(config)
    except BaseException as error:
        kind, text = type(error).__name__, traceback.format_exc()
        if kind in _IN_THEIR_OWN_WORDS:
            text = str(error)
        # Not into a file: the disk may be full. A pipe holds 64 KiB.
        report.send((kind, text[-_MAX_REPORT_CHARACTERS:]))
        sys.exit(1)
    report.send((_DONE, ""))


def _stack_file(scratch: Path, rank: int) -> Path:
    return scratch / f"{rank}.stack"


def _end_with_parent() -> None:
    """Have the kernel end this process with the launcher, which may be killed.

    At once: the next start may train with the same checkpoints.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "a process that was not spawned"
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:  # it ended before
        os._exit(1)


class _Reports:
    """How each process's work ended, as far as it has."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = dict(enumerate(pipes))
        self._rank_to_report: dict[int, tuple[str, str]] = {}

    def read(self) -> Mapping[int, tuple[str, str]]:
        """Return kind and text by rank; the kind is `_DONE` or an exception's name."""
        for rank, pipe in self._pipes.items():
            if rank not in self._rank_to_report and pipe.poll():
                self._rank_to_report[rank] = pipe.recv()
        return self._rank_to_report


def _wait_for(
    processes: list[SpawnProcess], reports: _Reports, watch: Watch, scratch: Path
) -> "_Failure | None":
    """Wait until all have ended well, or the first badly and the others a little longer.

    A process whose work is done may take its time to free its memory: it isn't watched then.

    Returns:
        The failure of a process that hangs.
    """
    running = dict(enumerate(processes))
    deadline = None
    while running and (deadline is None or time.monotonic() < deadline):
        wait([process.sentinel for process in running.values()], timeout=_LOOK_EVERY_SECONDS)
        running = {rank: process for rank, process in running.items() if process.is_alive()}
        if deadline is not None:
            continue
        told = reports.read()
        working = [rank for rank in running if rank not in told]
        if any(kind != _DONE for kind, _ in told.values()) or any(
            process.exitcode for process in processes
        ):
            deadline = time.monotonic() + _GRACE_SECONDS
        elif not working:
            deadline = time.monotonic() + _LEAVE_SECONDS
        elif stuck := watch.find_stuck(working):
            rank, what = stuck
            stack = _take_stack(running[rank], _stack_file(scratch, rank))
            return _Failure(0, rank, "stuck", f"it {what}; all were ended\n{stack}".rstrip())
    return None


def _take_stack(process: SpawnProcess, file: Path) -> str:
    assert process.pid is not None, "a process that was started has an id"
    os.kill(process.pid, signal.SIGUSR1)
    time.sleep(1)  # one that is stopped writes none
    return file.read_text(encoding="utf-8")


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
    own, address = rank_from_outside(), Address.read(os.environ)
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


class _Failure(NamedTuple):
    place: int
    """Causes come before their consequences."""
    rank: int
    kind: str
    """The name of the process's exception, or how it ended without one."""
    text: str


def _find_failures(
    processes: list[SpawnProcess], told: Mapping[int, tuple[str, str]], asked_to_end: bool
) -> list[_Failure]:
    failures = []
    for rank, process in enumerate(processes):
        if rank in told:
            kind, text = told[rank]
            if kind == _DONE:
                continue
        elif asked_to_end and process.exitcode == -signal.SIGTERM:
            kind, text = Preempted.__name__, "ended by SIGTERM before the first update"
        elif process.exitcode:
            kind, text = "ended", f"the process ended with {_describe_end(process.exitcode)}"
        else:
            continue
        place = _LAST_TOLD.index(kind) + 1 if kind in _LAST_TOLD else 0
        failures.append(_Failure(place, rank, kind, text))
    return failures


def _describe_end(exit_code: int) -> str:
    status = f"signal {-exit_code}" if exit_code < 0 else f"exit status {exit_code}"
    hint = " (out of memory?)" if exit_code in _KILLED else ""
    return f"{status} and no error of its own{hint}"


def _explain(failure: _Failure, num_processes: int) -> Exception:
    if failure.kind in _IN_THEIR_OWN_WORDS:
        return _IN_THEIR_OWN_WORDS[failure.kind](failure.text)
    who = f"rank {failure.rank} of {num_processes}" if num_processes > 1 else "the training"
    lines = failure.text.splitlines()
    # A traceback ends with the error; a stack begins with why it was asked for.
    cause = lines[-1] if failure.text.startswith("Traceback") else lines.pop(0)
    return TrainingLostError("\n".join([f"{who} failed: {cause}", *lines]))
