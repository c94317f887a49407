"""What Open MPI tells a process, told to Horovod."""

import pytest

from components.shared.errors import InputError
from components.shared.processes.mpirun import horovod_environment
from components.shared.processes.rendezvous import Address


def environment(rank: int, local_rank: int, **changes: str) -> dict[str, str]:
    """Of one of four processes on two hosts, as mpirun 4.1 sets it."""
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": "4",
        "OMPI_COMM_WORLD_LOCAL_RANK": str(local_rank),
        "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        "OMPI_MCA_orte_num_nodes": "2",
        "OMPI_MCA_orte_hnp_uri": "1535639552.0;tcp://10.77.0.1,192.168.0.1:50587",
        "OMPI_MCA_orte_local_daemon_uri": "1535639552.0;tcp://10.77.0.1,192.168.0.1:50587",
        "OMPI_MCA_ess_base_jobid": "1535639553",
        **changes,
    }


def environment_5(rank: int, local_rank: int, **changes: str) -> dict[str, str]:
    """Of one of four processes on two hosts, as mpirun 5.0.7 on the host localhost sets it."""
    mine = "0;tcp4://10.78.0.1:44693" if rank < 2 else "1;tcp4://127.0.0.1:33595"
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": "4",
        "OMPI_COMM_WORLD_LOCAL_RANK": str(local_rank),
        "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        "OMPI_UNIVERSE_SIZE": "4",
        "PMIX_HOSTNAME": "host",
        "PMIX_NAMESPACE": "prterun-localhost-22022@1",
        "PMIX_SERVER_URI2": f"prterun-localhost-22022@0.{mine}",
        **changes,
    }


def test_open_mpi_5_is_understood():
    """It names the job after mpirun's host, and doesn't number the hosts."""
    made = [horovod_environment(environment_5(rank, rank % 2)) for rank in range(4)]
    other = environment_5(3, 1, PMIX_NAMESPACE="prterun-localhost-22023@1")

    assert [one["HOROVOD_CROSS_RANK"] for one in made] == ["0", "0", "1", "1"]
    assert {one["HOROVOD_CROSS_SIZE"] for one in made} == {"2"}
    assert {one["HOROVOD_GLOO_RENDEZVOUS_ADDR"] for one in made} == {"127.0.0.1"}
    (port,) = {one["HOROVOD_GLOO_RENDEZVOUS_PORT"] for one in made}
    assert 49152 <= int(port) < 65536
    assert horovod_environment(other)["HOROVOD_GLOO_RENDEZVOUS_PORT"] != port


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PMIX_SERVER_URI2": "prterun-localhost-22022@0.1;tcp4://127.0.0.1:1"}, "rank 0 does not"),
        ({"OMPI_COMM_WORLD_SIZE": "3"}, "3 processes on 2 hosts, 2 of them on this one"),
        ({"PMIX_NAMESPACE": "prterun-no.such.host.invalid-1@1"}, "no.such.host.invalid, mpirun's"),
    ],
)
def test_what_open_mpi_5_can_t_tell_is_asked_for(changes, said):
    """As with Open MPI 4."""
    with pytest.raises(InputError, match=said):
        horovod_environment(environment_5(0, 0, **changes))


@pytest.mark.parametrize(
    ("rank_to_local_rank", "hosts"),
    [((0, 1, 0, 1), "0011"), ((0, 0, 1, 1), "0101")],
    ids=["host after host", "--map-by node"],
)
def test_each_process_knows_its_host(rank_to_local_rank, hosts):
    """However mpirun spread the ranks."""
    made = [horovod_environment(environment(*pair)) for pair in enumerate(rank_to_local_rank)]

    assert [one["HOROVOD_CROSS_RANK"] for one in made] == list(hosts)
    assert [one["HOROVOD_RANK"] for one in made] == ["0", "1", "2", "3"]


def test_all_look_for_rank_0_at_mpiruns_address():
    """At a port of the job's own, or where they are told to."""
    own = horovod_environment(environment(3, 1))
    told = horovod_environment(environment(3, 1, HOROVOD_GLOO_RENDEZVOUS_ADDR="10.9.9.9"))

    assert own["HOROVOD_GLOO_RENDEZVOUS_ADDR"] == "10.77.0.1"
    assert own["HOROVOD_GLOO_RENDEZVOUS_PORT"] == str(49152 + 1535639553 % 16384)
    assert told["HOROVOD_GLOO_RENDEZVOUS_ADDR"] == "10.9.9.9"


def test_a_rank_0_elsewhere_needs_its_address():
    """With the words to add to mpirun."""
    elsewhere = environment(0, 0, OMPI_MCA_orte_local_daemon_uri="1535639552.1;tcp://10.77.0.2:1")

    with pytest.raises(InputError, match="add -x HOROVOD_GLOO_RENDEZVOUS_ADDR="):
        horovod_environment(elsewhere)


def test_hosts_with_unequal_numbers_are_rejected():
    """Horovod's local and cross ranks would not fit."""
    with pytest.raises(InputError, match="4 processes on 3 hosts, 2 of them on this one"):
        horovod_environment(environment(0, 0, OMPI_MCA_orte_num_nodes="3"))


def test_all_ranks_of_a_job_know_its_secret():
    """The MPIJob's, or else the key that Open MPI 4 gives all processes of a job."""
    own = environment(3, 1, OMPI_MCA_orte_precondition_transports="1f-2e")
    told = {**own, "KUBEFLOW_BERT_JOB_SECRET": "a1b2"}

    addresses = [Address.read(horovod_environment(one)) for one in (own, told)]

    port = 49152 + 1535639553 % 16384
    assert addresses == [
        Address("10.77.0.1", port, "1f-2e"),
        Address("10.77.0.1", port, "a1b2"),
    ]
