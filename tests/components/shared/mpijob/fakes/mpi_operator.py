"""What mpi-operator 0.8 makes of an MPIJob: its pods, and its conditions."""

import copy
from typing import Any

_KEYS_VOLUME, _CONFIG_VOLUME = "ssh-auth", "mpi-job-config"
_OPEN_MPI = {
    "OMPI_MCA_orte_keep_fqdn_hostnames": "true",
    "OMPI_MCA_orte_default_hostfile": "/etc/mpi/hostfile",
    "OMPI_MCA_plm_rsh_args": "-o ConnectionAttempts=10",
}


def make_worker(job: dict[str, Any], number: int) -> dict[str, Any]:
    """Worker of a number."""
    pod = _make_pod(job, "Worker")
    pod["metadata"]["name"] = pod["spec"]["hostname"] = f"{_name(job)}-worker-{number}"
    pod["metadata"]["labels"]["training.kubeflow.org/replica-index"] = str(number)
    return pod


def make_launcher(job: dict[str, Any]) -> dict[str, Any]:
    """The pod of the launcher's Job."""
    pod = _make_pod(job, "Launcher")
    pod["metadata"]["name"] = f"{_name(job)}-launcher-x7k2p"
    pod["spec"]["hostname"] = f"{_name(job)}-launcher"
    container = pod["spec"]["containers"][0]
    variables = _OPEN_MPI | {
        "OMPI_MCA_orte_set_default_slots": str(job["spec"]["slotsPerWorker"]),
        "NVIDIA_VISIBLE_DEVICES": "",
        "NVIDIA_DRIVER_CAPABILITIES": "",
    }
    container["env"] += [{"name": name, "value": value} for name, value in variables.items()]
    config = {"name": f"{_name(job)}-config"}
    pod["spec"]["volumes"].append({"name": _CONFIG_VOLUME, "configMap": config})
    container["volumeMounts"].append({"name": _CONFIG_VOLUME, "mountPath": "/etc/mpi"})
    return pod


def _make_pod(job: dict[str, Any], replica: str) -> dict[str, Any]:
    replicas = job["spec"]["mpiReplicaSpecs"][replica]
    template = copy.deepcopy(replicas["template"])
    role, name = replica.lower(), _name(job)
    labels = {
        "training.kubeflow.org/operator-name": "mpi-operator",
        "training.kubeflow.org/job-name": name,
        "training.kubeflow.org/job-role": role,
    }
    spec = template["spec"]
    spec |= {"subdomain": name, "restartPolicy": replicas["restartPolicy"]}
    # Both mount the keys as root's files that all may read.
    secret = {"secretName": f"{name}-ssh", "defaultMode": 0o644}
    spec.setdefault("volumes", []).append({"name": _KEYS_VOLUME, "secret": secret})
    container = spec["containers"][0]
    container.setdefault("env", []).append({"name": "K_MPI_JOB_ROLE", "value": role})
    mount = {"name": _KEYS_VOLUME, "mountPath": job["spec"]["sshAuthMountPath"]}
    container.setdefault("volumeMounts", []).append(mount)
    metadata = template.get("metadata", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": job["metadata"]["namespace"],
            "labels": metadata.get("labels", {}) | labels,
            "annotations": metadata.get("annotations", {}),
        },
        "spec": spec,
    }


def set_condition(
    job: dict[str, Any], kind: str, status: str, reason: str, message: str = ""
) -> None:
    """One of each type, the newest last; a job that has ended runs no more."""
    conditions = job.setdefault("status", {}).setdefault("conditions", [])
    kept = [condition for condition in conditions if condition["type"] != kind]
    if kind in {"Succeeded", "Failed"}:
        for condition in kept:
            if condition["type"] in {"Running", "Failed"}:
                condition["status"] = "False"
    new = {"type": kind, "status": status, "reason": reason, "message": message}
    job["status"]["conditions"] = [*kept, new]


def _name(job: dict[str, Any]) -> str:
    return str(job["metadata"]["name"])
