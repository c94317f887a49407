"""The stage above one node: a server speaks Kubernetes's API, and runs what the MPIJob says."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.components.pretrain import hosts as two_hosts
from tests.components.shared.mpijob.fake_kubernetes import FakeKubernetes

NODES = {"num_nodes": 2, "num_processes": 2}
SETTINGS = {"num_steps": 10, "micro_batch_size": 8}


@pytest.fixture
def cluster(tmp_path):
    """The step's pod has the test's folders on a volume that others can have."""
    with FakeKubernetes(tmp_path) as cluster:
        pod = cluster.get("pods", "step")
        pod["spec"]["containers"][1]["volumeMounts"][1]["mountPath"] = str(tmp_path.parents[1])
        cluster.put("pods", pod)
        yield cluster


def start(stage, cluster: FakeKubernetes, **changes) -> subprocess.Popen:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("KUBERNETES_")
    }
    return subprocess.Popen(
        stage.command(**{**NODES, **changes}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment
        | {"KUBECONFIG": str(cluster.kubeconfig), "KFP_POD_NAME": "step", "NO_PROXY": "127.0.0.1"},
    )


def wait_for_job(cluster: FakeKubernetes, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not cluster.jobs():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_ends_the_step_ends_its_job(make_stage, cluster, number, status):
    """Kubeflow's SIGTERM and a person's Ctrl-C."""
    process = start(make_stage(), cluster)
    wait_for_job(cluster, process)

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert cluster.jobs() == []


def test_without_a_cluster_the_step_says_so(make_stage, tmp_path):
    """One line, no traceback."""
    environment = {name: value for name, value in os.environ.items() if "KUBE" not in name}
    done = subprocess.run(
        make_stage().command(**NODES),
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"HOME": str(tmp_path)},
    )

    assert done.returncode == 2
    assert done.stderr.startswith("pretrain: error: num_nodes above 1 needs a Kubernetes cluster")


def test_paths_on_the_pod_s_own_disk_are_refused(make_stage, cluster):
    """The job's pods would not find them."""
    process = start(make_stage(), cluster, vocabulary="/etc/passwd")

    _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "vocabulary /etc/passwd: on this pod's own disk" in errors
    assert cluster.requests == [("get", "pods")]


@pytest.fixture
def nodes(cluster, tmp_path):
    """A launcher and two workers, each with a network, a name and files of its own."""
    reason = two_hosts.why_not() or ("" if shutil.which("mpirun") else "mpirun: openmpi-bin")
    if reason:
        pytest.skip(reason)
    names = ("bert-launcher", "bert-worker-0", "bert-worker-1")
    folder = tmp_path / "hosts"
    folder.mkdir()
    with two_hosts.Hosts(folder, names) as hosts:
        cluster.operator = Operator(hosts, folder, names[1:])
        yield hosts


@pytest.mark.slow
def test_what_the_mpijob_says_trains_on_two_nodes(make_stage, cluster, nodes):
    """To the same losses as on one."""
    one, two = make_stage("one"), make_stage("two")
    expected = one.run(**SETTINGS, num_processes=2)
    assert expected.returncode == 0, expected.stderr

    output, errors = start(two, cluster, **SETTINGS).communicate(timeout=250)

    np.testing.assert_allclose(two.losses(), one.losses(), rtol=1e-5, err_msg=errors + output)
    assert (two.output / "metrics.json").exists()
    assert "Pretraining at length 32: 10 of 10 steps" in output
    assert cluster.jobs() == []


@pytest.mark.slow
def test_a_worker_that_is_taken_away_has_the_step_go_on_later(make_stage, cluster, nodes):
    """Its processes are asked to end, as `stop` does it: all save, and the step is preempted."""
    stage = make_stage()
    process = start(stage, cluster, num_steps=100000, checkpoint_every_steps=20)
    while not list(stage.states.glob("step-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)

    os.kill(nodes.find(2, "components.pretrain"), signal.SIGTERM)
    _, errors = process.communicate(timeout=100)

    assert process.returncode == 143, errors
    assert "pretrain: ended by SIGTERM at step" in errors
    assert cluster.jobs() == []


class Operator:
    """What mpi-operator and the nodes do with an MPIJob: keys, names, and the pods' commands."""

    def __init__(self, hosts: two_hosts.Hosts, folder, workers) -> None:
        self._hosts, self._home, self._hostfile = hosts, folder / "home", folder / "hostfile"
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd is root, as in this test
        keys = self._home / ".ssh"
        keys.mkdir(parents=True)
        shutil.copy(folder / "key", keys / "id_rsa")
        shutil.copy(folder / "key.pub", keys / "authorized_keys")
        self._hostfile.write_text("".join(f"{name} slots=1\n" for name in workers), "utf-8")
        # The image's ssh_config says it there.
        self._ssh = f"-o ConnectionAttempts=10 -p {two_hosts.SSH_PORT} -i {keys / 'id_rsa'}"

    def __call__(self, cluster: FakeKubernetes, job: dict) -> None:
        name, specs = job["metadata"]["name"], job["spec"]["mpiReplicaSpecs"]
        for number in range(specs["Worker"]["replicas"]):
            self._start(1 + number, specs["Worker"])
            cluster.put_pod(name, "worker", number, phase="Running")
        pod = cluster.put_pod(name, "launcher", phase="Running")
        process = self._start(0, specs["Launcher"])
        for line in process.stdout:
            cluster.log(pod, line.rstrip("\n"))
        cluster.log(pod, end=True)
        ended = {"exitCode": process.wait(), "reason": "Error"}
        statuses = [{"name": "launcher", "state": {"terminated": ended}}]
        cluster.put_pod(name, "launcher", phase="Ended", containerStatuses=statuses)
        cluster.set_condition(name, "Failed" if process.returncode else "Succeeded")

    def _start(self, host: int, replicas: dict) -> subprocess.Popen:
        container = replicas["template"]["spec"]["containers"][0]
        words = [*container["command"], *container.get("args", ())]
        assert words[0] == "python"
        return self._hosts.start(
            host,
            [sys.executable, *(word.replace("$$", "$") for word in words[1:])],
            HOME=str(self._home),
            OMPI_MCA_orte_keep_fqdn_hostnames="true",
            OMPI_MCA_orte_default_hostfile=str(self._hostfile),
            OMPI_MCA_plm_rsh_args=self._ssh,
            OMPI_MCA_orte_set_default_slots="1",
        )
