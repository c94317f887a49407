"""The MPIJob that a training step makes, for any machine of `compile --hardware`."""

import dataclasses
from typing import Any

from components.shared.mpijob.mpijob_manifest import JobSpec, make_mpijob, name_job
from components.shared.mpijob.own_pod import read_own_pod
from components.shared.mpijob.worker_pod import WorkerPod
from pipelines.machines.hardware import find_hardware
from pipelines.machines.step_resources import Queue, describe_worker_pod
from tests.components.shared.mpijob.fakes.step_pod import NAMESPACE, make_own_pod

# Of an account that every overlay has.
OWN_POD = dataclasses.replace(read_own_pod(make_own_pod()), service_account="bert-runner")
STEP = "pretrain-128-0123456789"


def make_job(
    hardware: str, *, namespace: str = NAMESPACE, queue: Queue | None = None
) -> dict[str, Any]:
    """Return a pretraining step's, with the pod of that step as a cluster has it.

    `tests.components.shared.mpijob.fakes.mpi_operator` makes the pods of it.
    """
    worker_pod = WorkerPod.parse(describe_worker_pod(find_hardware(hardware), queue))
    return make_mpijob(make_spec(hardware, namespace=namespace), OWN_POD, worker_pod)


def make_spec(hardware: str, *, namespace: str = NAMESPACE) -> JobSpec:
    """Return what such a job trains."""
    machine = find_hardware(hardware)
    return JobSpec(
        step=STEP,
        name=name_job(STEP),
        namespace=namespace,
        command=["python", "-m", "components.pretrain"],
        num_nodes=machine.num_nodes,
        slots_per_worker=machine.num_processes // machine.num_nodes,
        inputs=["/s3/bucket/dataset", "/s3/bucket/vocab.txt"],
        mounts=["/s3"],
        timeout_seconds=3600,
    )
