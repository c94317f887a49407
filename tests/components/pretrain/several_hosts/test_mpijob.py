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

from tests.components.pretrain.several_hosts import hosts as two_hosts
from tests.components.shared.mpijob.fakes.fake_kubernetes import FakeKubernetes
from tests.components.shared.mpijob.fakes.mpi_operator import make_launcher, make_worker
from tests.waiting import LONGEST_SECONDS, wait_until

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
    wait_until(cluster.jobs, process)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_ends_the_step_ends_its_job(make_stage, cluster, number, status):
    """Kubeflow's SIGTERM and a person's Ctrl-C."""
    process = start(make_stage(), cluster)
    wait_for_job(cluster, process)

    process.send_signal(number)
    _, errors = process.communicate(timeout=LONGEST_SECONDS)

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


def test_paths_on_the_pod_s_own_disk_are_rejected(make_stage, cluster):
    """The job's pods would not find them."""
    process = start(make_stage(), cluster, vocabulary="/etc/passwd")

    _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 2
    assert "vocabulary /etc/passwd: on this pod's own disk" in errors
    assert cluster.requests == [("get", "pods")]


def skip_without_hosts() -> None:
    reason = two_hosts.why_not() or ("" if shutil.which("mpirun") else "mpirun: openmpi-bin")
    if reason:
        pytest.skip(reason)


def make_home(folder: Path) -> Path:
    """A user's home with a job's keys, as mpi-operator makes and mounts them."""
    keys = folder / ".ssh"
    keys.mkdir(parents=True)
    key = keys / "id_rsa"
    generate = ["ssh-keygen", "-q", "-t", "ecdsa", "-b", "521", "-m", "PEM", "-N", "", "-C", ""]
    subprocess.run([*generate, "-f", key], check=True)
    shutil.copy(keys / "id_rsa.pub", keys / "authorized_keys")
    for file in keys.iterdir():
        file.chmod(0o644)
    os.chown(folder, two_hosts.USER, two_hosts.USER)
    return folder


def give_away(folder: Path) -> None:
    """Let the pods' user write a folder of the test."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, two_hosts.USER, two_hosts.USER)


@pytest.fixture
def nodes(cluster, tmp_path, dataset_path, vocabulary_path):
    """A launcher and two workers, each with a network, a name and files of its own."""
    skip_without_hosts()
    names = ("bert-launcher", "bert-worker-0", "bert-worker-1")
    home = make_home(tmp_path / "home")
    for path in (tmp_path, dataset_path, vocabulary_path.parent):
        give_away(path)
    give_away(tmp_path)
    for file in (home / ".ssh", *(home / ".ssh").iterdir()):
        os.chown(file, 0, 0)
    readable = [
        *(tmp_path, dataset_path, vocabulary_path.parent, two_hosts.REPOSITORY),
        Path(sys.base_prefix),
    ]
    folder = tmp_path / "hosts"
    folder.mkdir()
    with two_hosts.Hosts(folder, names, users=[home] * 3, readable=readable) as hosts:
        cluster.operator = Operator(hosts, folder, home, names[1:])
        yield hosts


def test_a_host_without_the_job_s_key_is_not_trusted(tmp_path):
    """Another job's: it would take this one's key, and is left before it can."""
    skip_without_hosts()
    ours, theirs = make_home(tmp_path / "ours"), make_home(tmp_path / "theirs")
    shutil.copy(ours / ".ssh" / "id_rsa.pub", theirs / ".ssh" / "authorized_keys")
    readable = [ours, theirs, two_hosts.REPOSITORY, Path(sys.base_prefix)]
    folder = tmp_path / "hosts"
    folder.mkdir()
    serve = [sys.executable, "-m", "components.shared.mpijob", "serve"]
    names = ("bert-launcher", "bert-worker-0", "bert-other")
    with two_hosts.Hosts(folder, names, users=[ours, ours, theirs], readable=readable) as hosts:
        for host, home in ((1, ours), (2, theirs)):
            server = hosts.start(host, serve, HOME=str(home))
            assert "Server listening" in server.stdout.readline()

        done = {}
        for name in names[1:]:
            ssh = hosts.start(0, ["ssh", name, "id", "-u"], HOME=str(ours))
            output, _ = ssh.communicate(timeout=LONGEST_SECONDS)
            done[name] = (ssh.returncode, output.splitlines()[-1])

    assert done == {
        "bert-worker-0": (0, str(two_hosts.USER)),
        "bert-other": (255, "Host key verification failed."),
    }


@pytest.mark.slow
def test_what_the_mpijob_says_trains_on_two_nodes(make_stage, cluster, nodes):
    """To the same losses as on one."""
    one, two = make_stage("one"), make_stage("two")
    expected = one.run(**SETTINGS, num_processes=2)
    assert expected.returncode == 0, expected.stderr

    output, errors = start(two, cluster, **SETTINGS).communicate(timeout=LONGEST_SECONDS)

    np.testing.assert_allclose(two.losses(), one.losses(), rtol=1e-5, err_msg=errors + output)
    assert (two.output / "metrics.json").exists()
    assert "Pretraining at length 32: 10 of 10 steps" in output
    assert cluster.jobs() == []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_is_lost_costs_no_step(make_stage, cluster, nodes, number):
    """Drained (SIGTERM, as `stop` passes it on) or gone at once: a new job resumes."""
    one, two = make_stage("one"), make_stage("two")
    settings = {**SETTINGS, "num_steps": 60, "checkpoint_every_steps": 10}
    assert one.run(**settings, num_processes=2).returncode == 0
    process = start(two, cluster, **settings)
    while not list(two.states.glob("step-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)

    os.kill(nodes.find(2, "components.pretrain"), number)
    output, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 0, errors + output
    assert "restart 1 of 3 from step" in errors
    assert sum(item["kind"] == "MPIJob" for item in cluster.created) == 2
    np.testing.assert_allclose(two.losses(), one.losses(), rtol=1e-5)
    for name, weights in one.weights().items():
        np.testing.assert_allclose(two.weights()[name], weights, rtol=1e-4, atol=1e-6)
    assert cluster.jobs() == []


class Operator:
    """What mpi-operator and the nodes do with an MPIJob: names, and the pods' commands."""

    def __init__(self, hosts: two_hosts.Hosts, folder: Path, home: Path, workers) -> None:
        self._hosts, self._home, self._hostfile = hosts, home, folder / "hostfile"
        self._hostfile.write_text("".join(f"{name} slots=1\n" for name in workers), "utf-8")
        self._servers: list[subprocess.Popen] = []

    def __call__(self, cluster: FakeKubernetes, job: dict) -> None:
        name = job["metadata"]["name"]
        for server in self._servers:  # of the job before, whose pods are gone
            server.kill()
            server.wait()
        for number in range(job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"]):
            self._servers.append(self._start(1 + number, make_worker(job, number)))
            cluster.put_pod(name, "worker", number, phase="Running")
        pod = cluster.put_pod(name, "launcher", phase="Running")
        process = self._start(0, make_launcher(job))
        for line in process.stdout:
            cluster.log(pod, line.rstrip("\n"))
        cluster.log(pod, end=True)
        status = process.wait()
        ended = {"exitCode": status, "reason": "Error"}
        statuses = [{"name": "launcher", "state": {"terminated": ended}}]
        phase = "Failed" if status else "Succeeded"
        cluster.put_pod(name, "launcher", phase=phase, containerStatuses=statuses)
        if cluster.get("mpijobs", name):
            cluster.set_condition(name, phase, "BackoffLimitExceeded" if status else "")

    def _start(self, host: int, pod: dict) -> subprocess.Popen:
        container = pod["spec"]["containers"][0]
        words = [*container["command"], *container.get("args", ())]
        assert words[0] == "python"
        variables = {
            one["name"]: one["value"] for one in container["env"] if one["name"].startswith("OMPI_")
        }
        variables["OMPI_MCA_orte_default_hostfile"] = str(self._hostfile)
        return self._hosts.start(
            host,
            [sys.executable, *(word.replace("$$", "$") for word in words[1:])],
            **variables,
            HOME=str(self._home),
        )
