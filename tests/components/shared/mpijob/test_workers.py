"""A worker's end."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.shared.mpijob import launch, workers
from tests.waiting import LONGEST_SECONDS

# A training saves for a moment when it is asked to end.
TRAINING = """
import signal, sys, time
def end(*_):
    time.sleep(1)
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def training(tmp_path):
    """Started as the stage is, under another name than those that may run on this machine."""
    package = tmp_path / "stopped"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(TRAINING, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "stopped.__main__"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()


def test_the_training_saves_before_its_pod_ends(training, monkeypatch):
    """It gets the signal that sshd would not pass on, and the time that it takes."""
    monkeypatch.setattr(workers, "_TRAINING", b"stopped.")
    started = time.monotonic()

    workers.stop()

    assert time.monotonic() - started >= 1
    assert training.wait(LONGEST_SECONDS) == 143


def test_all_hosts_are_read_from_the_operator_s_file(tmp_path):
    """Rank 0 is on the first."""
    hostfile = tmp_path / "hostfile"
    hostfile.write_text("job-worker-0.job.team.svc slots=8\njob-worker-1.job.team.svc slots=8\n")

    hosts = launch.read_hosts(hostfile)

    assert hosts == ["job-worker-0.job.team.svc", "job-worker-1.job.team.svc"]


def test_mpirun_passes_on_what_is_set():
    """A variable that is not there would be a warning of its on every start."""
    command = launch.make_mpirun(
        ["python", "-m", "components.pretrain"],
        hostfile=Path("/etc/mpi/hostfile"),
        num_processes=16,
        forward=["PATH", "NOT_SET", "AWS_ENDPOINT_URL"],
        environment={
            "PATH": "/opt/venv/bin",
            "AWS_ENDPOINT_URL": "http://minio:9000",
            "HOROVOD_GLOO_RENDEZVOUS_ADDR": "10.0.0.1",
            launch.SECRET_VARIABLE: "a1b2",
            launch.JOB_VARIABLE: "job",
        },
    )

    passed = [command[i + 1] for i, word in enumerate(command) if word == "-x"]
    assert passed == [
        "HOROVOD_GLOO_RENDEZVOUS_ADDR",
        launch.SECRET_VARIABLE,
        launch.JOB_VARIABLE,
        "PATH",
        "AWS_ENDPOINT_URL",
    ]
    assert command[:5] == ["mpirun", "--hostfile", "/etc/mpi/hostfile", "-np", "16"]
    assert command[-3:] == ["python", "-m", "components.pretrain"]
