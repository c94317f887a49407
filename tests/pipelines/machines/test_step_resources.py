"""What a pipeline's pods request fits the machines that it is compiled for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from pipelines.commands.compile import CompileSettings, compile_pipeline
from pipelines.local.images import DIGESTS
from pipelines.machines.hardware import HARDWARE, Hardware, find_hardware
from tests.components.shared.mpijob.fakes.mpi_operator import make_launcher, make_worker
from tests.pipelines.machines.mpijobs import make_job

GIB = 2**30
# Argo's container beside a step's, as KFP 2.17's workflow-controller-configmap has it.
ARGO_CPUS, ARGO_GIB = 0.01, 32 / 1024
Request = tuple[float, float]
"""CPUs, and GiB of memory."""


def read_requests(
    hardware: str, pipeline: str, folder: Path
) -> Iterator[tuple[str, bool, Request]]:
    """Of each step of a package: its stage, whether it takes GPUs, and what its pod requests."""
    path = folder / "package.yaml"
    compile_pipeline(
        CompileSettings(hardware=hardware, images=DIGESTS, output=path, pipeline=pipeline)
    )
    spec, _ = yaml.safe_load_all(path.read_text("utf-8"))
    for name, executor in spec["deploymentSpec"]["executors"].items():
        stage = name.split("-")[1]  # exec-finetune-classification
        resources = executor["container"]["resources"]
        cpus = float(parse_quantity(resources["resourceCpuRequest"]))
        gib = float(parse_quantity(resources["resourceMemoryRequest"])) / GIB
        yield stage, "accelerator" in resources, (cpus + ARGO_CPUS, gib + ARGO_GIB)


def add_up(pod: dict) -> Request:
    """What all containers of a pod that Kubernetes runs at once request."""
    requests = [container["resources"]["requests"] for container in pod["spec"]["containers"]]
    cpus = sum(float(parse_quantity(request["cpu"])) for request in requests)
    return cpus, sum(float(parse_quantity(request["memory"])) for request in requests) / GIB


def fits(pods: list[Request], machine: Hardware) -> bool:
    cpus, gib = (sum(amounts) for amounts in zip(*pods, strict=True))
    return cpus <= machine.room_cpus and gib <= machine.room_gib


@pytest.mark.parametrize("pipeline", ["squad", "classification", "retraining"])
@pytest.mark.parametrize("name", HARDWARE)
def test_each_step_fits_one_machine(tmp_path, name, pipeline):
    """With Argo's container; steps without GPUs run elsewhere if the machine has some.

    The pipeline retraining has the steps of bert, too.
    """
    machine = find_hardware(name)
    steps = list(read_requests(name, pipeline, tmp_path))

    alone = [request for _, takes_gpus, request in steps if takes_gpus or not machine.num_gpus]

    assert alone
    assert [request for request in alone if not fits([request], machine)] == []


@pytest.mark.parametrize("name", [f"{name}x2" for name in HARDWARE])
def test_an_mpijob_fits_its_machines(tmp_path, name):
    """A worker a machine; without GPUs, beside the launcher and the step that follows the job."""
    machine, job = find_hardware(name), make_job(name)
    worker, launcher = add_up(make_worker(job, 0)), add_up(make_launcher(job))
    steps = {stage: request for stage, _, request in read_requests(name, "bert", tmp_path)}
    together = [worker] if machine.num_gpus else [worker, launcher, steps["finetune"]]

    assert fits(together, machine), (together, machine.room_cpus, machine.room_gib)
    assert steps["pretrain"] == steps["finetune"]
    assert job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] == 2


def test_two_small_machines_have_room_for_a_whole_job():
    """Two of two CPUs and 8 GiB: a worker of one CPU each, and half a CPU left on both."""
    machine, worker = find_hardware("cpux2"), add_up(make_worker(make_job("cpux2"), 0))

    assert worker == (1.0, 3.0)
    assert machine.room_cpus == pytest.approx(1.43)
    assert machine.room_gib == pytest.approx(4.94)
