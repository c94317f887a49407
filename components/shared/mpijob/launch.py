"""The launcher: waits until all workers are there, and has mpirun train on them."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from components.shared.errors import InputError
from components.shared.mpijob.mpijob_manifest import SSH_PORT
from components.shared.mpijob.own_pod import JOB_VARIABLE
from components.shared.processes.mpirun import SECRET_VARIABLE
from components.shared.processes.rendezvous import HOST_VARIABLE

# mpi-operator's: where it has put the names of the workers.
_HOSTFILE_VARIABLE = "OMPI_MCA_orte_default_hostfile"
# Of the image, which a process that sshd starts does not have.
_IMAGES_VARIABLES = (
    "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE", "XLA_FLAGS", "TF_CPP_MIN_LOG_LEVEL",
)  # fmt: skip
# How long a worker may have its name in the DNS, which it gets once it is ready, and not answer.
_REACH_SECONDS = 300.0
# How long it may take to get ready: where a queue admitted the job, mpi-operator starts the
# launcher while the workers still fetch the inputs. The step's own limits end the job before.
_READY_SECONDS = 6 * 3600.0


def launch(arguments: Sequence[str], *, port: int = SSH_PORT) -> int:
    """Run a command on all workers and return mpirun's exit status, the first failure's.

    Raises:
        InputError: if a worker can't be reached.
    """
    parser = argparse.ArgumentParser(prog="launch")
    parser.add_argument("--num-processes", type=int, required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--forward", action="append", default=[])
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)

    hostfile = Path(os.environ[_HOSTFILE_VARIABLE])
    hosts = read_hosts(hostfile)
    _reach(hosts, port)
    environment = {
        **os.environ,
        JOB_VARIABLE: options.job,
        # Rank 0 is on the first, where all find one another.
        HOST_VARIABLE: socket.gethostbyname(hosts[0]),
        SECRET_VARIABLE: secrets.token_hex(),
    }
    command = make_mpirun(
        options.command,
        hostfile=hostfile,
        num_processes=options.num_processes,
        forward=[*_IMAGES_VARIABLES, *options.forward],
        environment=environment,
    )
    with subprocess.Popen(command, env=environment) as mpirun:
        # As PID 1, a process ends on no signal that it has no answer to.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _pass_on(mpirun))
        status = mpirun.wait()
    return status if status >= 0 else 128 - status


def make_mpirun(
    command: Sequence[str],
    *,
    hostfile: Path,
    num_processes: int,
    forward: Sequence[str],
    environment: Mapping[str, str],
) -> list[str]:
    """Return the command line: Open MPI starts the processes, Horovod's Gloo connects them."""
    names = [HOST_VARIABLE, SECRET_VARIABLE, JOB_VARIABLE]
    names += [name for name in dict.fromkeys(forward) if name in environment]
    # Open MPI 5 doesn't read mpi-operator's variable: it would start all ranks here.
    words = ["mpirun", "--hostfile", str(hostfile)]
    words += ["-np", str(num_processes), "--map-by", "slot", "--bind-to", "none"]
    if os.getuid() == 0:
        words.append("--allow-run-as-root")
    return [*words, *(word for name in names for word in ("-x", name)), *command]


def read_hosts(hostfile: Path) -> list[str]:
    """The workers' names: `host slots=8` a line.

    Raises:
        InputError: if there are none.
    """
    lines = hostfile.read_text("utf-8").splitlines()
    hosts = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    if not hosts:
        raise InputError(f"{hostfile}: no workers in it")
    return hosts


def _reach(hosts: Sequence[str], port: int) -> None:
    started = time.monotonic()
    for host in hosts:
        silent_since = None
        while True:
            try:
                socket.create_connection((host, port), timeout=5).close()
                break
            except OSError as error:
                now = time.monotonic()
                has_name = not isinstance(error, socket.gaierror)
                silent_since = (silent_since or now) if has_name else None
                is_silent = silent_since is not None and now - silent_since > _REACH_SECONDS
                if is_silent or now - started > _READY_SECONDS:
                    raise InputError(
                        f"{host}:{port} can't be reached: {error}; does a network policy keep "
                        "the job's pods from one another?"
                    ) from None
                time.sleep(1)
    print(f"{len(hosts)} workers are there", file=sys.stderr, flush=True)


def _pass_on(process: subprocess.Popen) -> Callable[[int, FrameType | None], None]:
    return lambda number, _frame: process.send_signal(number)
