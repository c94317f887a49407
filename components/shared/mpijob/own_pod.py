"""What of a step's own pod the pods of its job take over."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Kubeflow's own (its launcher's and Argo's), which mean nothing in another pod.
_OTHERS_VARIABLES = ("KFP_", "ARGO_", "METADATA_", "ML_PIPELINE_", "MLPIPELINE_")
# Volumes that several pods can have at once, and that Pod Security "restricted" allows. Kubeflow's
# scratch ones are emptyDirs.
_SHARED_VOLUMES = ("persistentVolumeClaim", "secret", "configMap", "csi")
# The container in which Argo runs a step.
_MAIN = "main"


@dataclass(frozen=True, kw_only=True)
class OwnPod:
    """The step's pod, in Kubernetes's JSON form."""

    name: str
    uid: str
    image: str
    image_pull_policy: str
    service_account: str
    image_pull_secrets: list[dict[str, Any]]
    env: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    volume_mounts: list[dict[str, Any]]

    def holds(self, path: Path) -> bool:
        """Whether a path lies on a volume that the job's pods have as well."""
        mounts = [Path(mount["mountPath"]) for mount in self.volume_mounts]
        return any(path.is_relative_to(mount) for mount in mounts)


def read_own_pod(pod: Mapping[str, Any]) -> OwnPod:
    """The parts of a pod that `GET pods/<name>` returned which its job's pods need too."""
    spec = pod["spec"]
    containers = {container["name"]: container for container in spec["containers"]}
    container = containers.get(_MAIN, spec["containers"][0])
    volumes = [
        volume
        for volume in spec.get("volumes", [])
        # A service account's token comes to each pod by itself.
        if any(kind in volume for kind in _SHARED_VOLUMES)
    ]
    names = {volume["name"] for volume in volumes}
    return OwnPod(
        name=pod["metadata"]["name"],
        uid=pod["metadata"]["uid"],
        image=container["image"],
        image_pull_policy=container.get("imagePullPolicy", ""),
        service_account=spec.get("serviceAccountName", ""),
        image_pull_secrets=spec.get("imagePullSecrets", []),
        env=[
            variable
            for variable in container.get("env", [])
            if not variable["name"].startswith(_OTHERS_VARIABLES)
        ],
        volumes=volumes,
        volume_mounts=[
            mount for mount in container.get("volumeMounts", []) if mount["name"] in names
        ],
    )


JOB_VARIABLE = "KUBEFLOW_BERT_MPIJOB"


def is_inside() -> bool:
    """Whether an MPIJob of ours started this process: nobody else copies its outputs."""
    return JOB_VARIABLE in os.environ
