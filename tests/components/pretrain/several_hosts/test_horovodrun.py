"""Training on two hosts, started by horovodrun over SSH."""

import os
import shutil
import signal
import time

import numpy as np
import pytest

from tests.components.pretrain.several_hosts import hosts as two_hosts
from tests.waiting import LONGEST_SECONDS

SETTINGS = {"num_steps": 30, "micro_batch_size": 8}


@pytest.fixture
def hosts(tmp_path_factory):
    reason = two_hosts.why_not()
    if reason:
        pytest.skip(reason)
    with two_hosts.Hosts(tmp_path_factory.mktemp("hosts")) as hosts:
        yield hosts


@pytest.mark.long
def test_two_hosts_learn_what_one_learns(make_stage, hosts):
    """The same command after horovodrun or mpirun: equal losses, outputs once."""
    one, two, three = make_stage("one"), make_stage("two"), make_stage("three")
    done = one.run(**SETTINGS, num_processes=2)
    assert done.returncode == 0, done.stderr
    hosts.start_ssh()

    by_horovodrun = hosts.start_horovodrun(two.command(**SETTINGS))
    output, _ = by_horovodrun.communicate(timeout=LONGEST_SECONDS)

    assert by_horovodrun.returncode == 0, output
    np.testing.assert_allclose(two.losses(), one.losses(), rtol=1e-5)
    assert (two.output / "metrics.json").exists()
    assert "[0]<stderr>:Pretraining at length 32: 30 of 30 steps" in output
    assert "[1]<stderr>:Pretraining" not in output

    if shutil.which("mpirun") is None:
        pytest.skip("mpirun is not installed (openmpi-bin); horovodrun was tested")
    by_mpirun = hosts.start_mpirun(three.command(**SETTINGS))
    output, _ = by_mpirun.communicate(timeout=LONGEST_SECONDS)

    assert by_mpirun.returncode == 0, output
    np.testing.assert_allclose(three.losses(), one.losses(), rtol=1e-5)


@pytest.mark.slow
def test_a_shard_altered_on_the_second_host_ends_both(make_stage, hosts, dataset_path, tmp_path):
    """Its own copy is cut short; the first host's is whole."""
    stage = make_stage()
    copy = tmp_path / "copy"
    shutil.copytree(dataset_path, copy)
    shard = sorted(copy.glob("shard-*"))[0]
    shard.write_bytes(shard.read_bytes()[:-1])

    hosts.start_ssh(before=f"mount --bind {copy} {dataset_path}")
    process = hosts.start_horovodrun(stage.command(**SETTINGS))
    output, _ = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode != 0
    assert f"[1]<stderr>:pretrain: error: {dataset_path / shard.name}: altered" in output
    assert "Exit code: 2" in output
    assert not (stage.output / "checkpoint").exists()


@pytest.mark.long
def test_a_process_that_is_stopped_on_the_second_host_ends_both(make_stage, hosts):
    """Within a minute, and the first host says which it was."""
    stage = make_stage()
    hosts.start_ssh()
    process = hosts.start_horovodrun(
        stage.command(num_steps=100000, checkpoint_every_steps=20, hang_timeout_seconds=10)
    )
    while not list(stage.states.glob("step-*")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)

    os.kill(hosts.find(1, "components.pretrain"), signal.SIGSTOP)
    started = time.monotonic()
    output, _ = process.communicate(timeout=LONGEST_SECONDS)

    assert time.monotonic() - started < 60
    assert process.returncode != 0
    assert "rank 1 of 2 has not run for" in output
