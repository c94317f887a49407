"""Joins processes that mpirun started into one Horovod run without MPI.

Horovod is built with Gloo alone here: started by mpirun, each process would take itself for
the only one. So what Open MPI tells them is told to Horovod, and rank 0 runs the server over
which they find one another.
"""

import os
import threading
from collections.abc import Mapping

from components.shared.errors import InputError

_HOST, _PORT = "HOROVOD_GLOO_RENDEZVOUS_ADDR", "HOROVOD_GLOO_RENDEZVOUS_PORT"
_FIRST_PORT, _NUM_PORTS = 49152, 16384  # those that no service has for its own


def join() -> None:
    """Set what Horovod reads, where mpirun started this process and nobody else did.

    Raises:
        InputError: if the hosts have unequal numbers of processes, or rank 0 does not run
            where the others look for it.
    """
    if not has_started_this() or "HOROVOD_RANK" in os.environ:
        return
    os.environ.update(horovod_environment(os.environ))
    if os.environ["HOROVOD_RANK"] == "0" and os.environ["HOROVOD_SIZE"] != "1":
        _serve(int(os.environ[_PORT]))


def has_started_this() -> bool:
    """Whether mpirun started this process: to which cores it keeps is for --bind-to to say."""
    return "OMPI_COMM_WORLD_RANK" in os.environ


def horovod_environment(mpi: Mapping[str, str]) -> dict[str, str]:
    """What Horovod's Gloo controller reads, from Open MPI 4's environment.

    Raises:
        InputError: as `join`.
    """
    rank, size, local_rank, local_size = (
        int(mpi[f"OMPI_COMM_WORLD_{name}"]) for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")
    )
    num_hosts = int(mpi["OMPI_MCA_orte_num_nodes"])
    if size != num_hosts * local_size:
        raise InputError(
            f"mpirun started {size} processes on {num_hosts} hosts, {local_size} of them on this "
            "one; give each host as many"
        )
    # mpirun fills host after host, or, with --map-by node, one slot on each in turn.
    is_by_slot = rank % local_size == local_rank
    host = rank // local_size if is_by_slot else rank % num_hosts
    hub = mpi["OMPI_MCA_orte_hnp_uri"]
    if rank == 0 and _HOST not in mpi and mpi["OMPI_MCA_orte_local_daemon_uri"] != hub:
        raise InputError(
            f"rank 0 does not run on mpirun's own host; add -x {_HOST}=<rank 0's address> to mpirun"
        )
    job = int(mpi["OMPI_MCA_ess_base_jobid"])
    return {
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(size),
        "HOROVOD_LOCAL_RANK": str(local_rank),
        "HOROVOD_LOCAL_SIZE": str(local_size),
        "HOROVOD_CROSS_RANK": str(host),
        "HOROVOD_CROSS_SIZE": str(num_hosts),
        "HOROVOD_HOSTNAME": _name(host),
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        # "1535639552.0;tcp://10.77.0.1,192.168.0.1:50587": mpirun's addresses.
        _HOST: mpi.get(_HOST) or hub.split("tcp://")[1].split(":")[0].split(",")[0],
        _PORT: mpi.get(_PORT) or str(_FIRST_PORT + job % _NUM_PORTS),
    }


def _serve(port: int) -> None:
    """Run the server in a thread of this process, which outlives no other for long."""
    from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
    from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

    num_hosts = int(os.environ["HOROVOD_CROSS_SIZE"])
    local_size = os.environ["HOROVOD_LOCAL_SIZE"]
    hosts = parse_hosts(",".join(f"{_name(host)}:{local_size}" for host in range(num_hosts)))
    server = RendezvousHTTPServer(("", port), RendezvousHandler, verbose=0)
    server.init(get_host_assignments(hosts, int(os.environ["HOROVOD_SIZE"])))
    threading.Thread(target=server.serve_forever, name="rendezvous", daemon=True).start()


def _name(host: int) -> str:
    """Names a host to the server; any name does that all of its processes give."""
    return f"host-{host}"
