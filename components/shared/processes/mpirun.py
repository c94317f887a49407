"""Joins processes that mpirun started into one Horovod run without MPI.

Horovod is built with Gloo alone here: started by mpirun, each process would take itself for
the only one. So what Open MPI tells them is told to Horovod, and rank 0 runs the server over
which they find one another.
"""

import os
import socket
import zlib
from collections.abc import Mapping

from components.shared.errors import InputError
from components.shared.processes.rendezvous import HOST_VARIABLE, PORT_VARIABLE, Address, Rendezvous

SECRET_VARIABLE = "KUBEFLOW_BERT_JOB_SECRET"  # noqa: S105 - a name
"""The secret of an MPIJob's ranks; without it, the key that Open MPI 4 gives a job's processes."""
_TRANSPORT_KEY_4 = "OMPI_MCA_orte_precondition_transports"
# Open MPI 4's address of mpirun; Open MPI 5's name of the job, such as "prterun-bert-a-4711@1".
_HUB_4, _JOB_5 = "OMPI_MCA_orte_hnp_uri", "PMIX_NAMESPACE"
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
        _serve()


def has_started_this() -> bool:
    """Whether mpirun started this process: to which cores it keeps is for --bind-to to say."""
    return "OMPI_COMM_WORLD_RANK" in os.environ


def horovod_environment(mpi: Mapping[str, str]) -> dict[str, str]:
    """Return what Horovod's Gloo controller reads, from the environment of Open MPI 4 or 5.

    Raises:
        InputError: as `join`.
    """
    rank, size, local_rank, local_size = (
        int(mpi[f"OMPI_COMM_WORLD_{name}"]) for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")
    )
    # Open MPI 5 doesn't say on how many.
    num_hosts = int(mpi.get("OMPI_MCA_orte_num_nodes") or -(-size // local_size))
    if size != num_hosts * local_size:
        raise InputError(
            f"mpirun started {size} processes on {num_hosts} hosts, {local_size} of them on this "
            "one; give each host as many"
        )
    # mpirun fills host after host, or, with --map-by node, one slot on each in turn.
    is_by_slot = rank % local_size == local_rank
    host = rank // local_size if is_by_slot else rank % num_hosts
    if rank == 0 and HOST_VARIABLE not in mpi and not _runs_beside_mpirun(mpi):
        raise InputError(
            f"rank 0 does not run on mpirun's own host; add -x {HOST_VARIABLE}=<rank 0's address> "
            "to mpirun"
        )
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
        **_find_server(mpi).variables(),
    }


def _find_server(mpi: Mapping[str, str]) -> Address:
    return Address(
        mpi.get(HOST_VARIABLE) or _find_mpirun(mpi),
        int(mpi.get(PORT_VARIABLE) or _FIRST_PORT + _number_job(mpi) % _NUM_PORTS),
        mpi.get(SECRET_VARIABLE) or mpi.get(_TRANSPORT_KEY_4, ""),
    )


def _runs_beside_mpirun(mpi: Mapping[str, str]) -> bool:
    if _HUB_4 in mpi:
        return mpi["OMPI_MCA_orte_local_daemon_uri"] == mpi[_HUB_4]
    # "prterun-bert-a-4711@0.1;tcp4://127.0.0.1:33595": the daemon of this host, 0 is mpirun itself.
    return "@0.0;" in mpi["PMIX_SERVER_URI2"]


def _find_mpirun(mpi: Mapping[str, str]) -> str:
    """Return the address of mpirun's host."""
    if _HUB_4 in mpi:
        # "1535639552.0;tcp://10.77.0.1,192.168.0.1:50587"
        return mpi[_HUB_4].split("tcp://")[1].split(":")[0].split(",")[0]
    name = mpi[_JOB_5].removeprefix("prterun-").rpartition("-")[0]
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        raise InputError(
            f"{name}, mpirun's host, has no address here: {error}; add -x {HOST_VARIABLE}="
            "<rank 0's address> to mpirun"
        ) from None


def _number_job(mpi: Mapping[str, str]) -> int:
    """Return a number that all processes of the job have, and another job hardly has."""
    if _HUB_4 in mpi:
        return int(mpi["OMPI_MCA_ess_base_jobid"])
    return zlib.crc32(mpi[_JOB_5].encode())


def _serve() -> None:
    """Run the server in a thread of this process, which outlives no other for long."""
    num_hosts = int(os.environ["HOROVOD_CROSS_SIZE"])
    local_size = os.environ["HOROVOD_LOCAL_SIZE"]
    hosts = ",".join(f"{_name(host)}:{local_size}" for host in range(num_hosts))
    address = Address.read(os.environ)
    assert address is not None, "join has set it"
    Rendezvous(address, hosts=hosts, num_ranks=int(os.environ["HOROVOD_SIZE"]))


def _name(host: int) -> str:
    """Names a host to the server; any name does that all of its processes give."""
    return f"host-{host}"
