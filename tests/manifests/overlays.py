"""The resources that overlays build, and what is asked of them."""

import functools
from pathlib import Path

import kubernetes_validate

from pipelines.compiled_package import Package, read_package
from tests import kustomize
from tests.custom_resources import find_faults
from tests.kustomize import MANIFESTS

FOLDER = MANIFESTS / "overlays"
KUBERNETES = "1.32"
# By the API's group: the folder's files say which project's they are.
CRDS = {"pipelines.kubeflow.org": "pipelines.kubeflow.org_{}s.yaml"}


@functools.cache
def build(overlay: str) -> list[dict]:
    return kustomize.build(FOLDER / overlay)


def of_kind(overlay: str, *kinds: str) -> list[dict]:
    return [resource for resource in build(overlay) if resource["kind"] in kinds]


def validate(resource: dict) -> list[str]:
    """What is wrong with a resource; nothing for a valid one."""
    group = resource["apiVersion"].rpartition("/")[0]
    if group in CRDS:
        return find_faults(resource, crd=CRDS[group].format(resource["kind"].lower()))
    try:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


def pod_specs(overlay: str) -> list[dict]:
    jobs = [one["spec"]["jobTemplate"] for one in of_kind(overlay, "CronJob")]
    return [job["spec"]["template"]["spec"] for job in jobs]


def containers(pod: dict) -> list[dict]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def list_configs(volume: dict) -> list[str]:
    """The ConfigMaps whose files lie in a volume."""
    sources = [volume, *volume.get("projected", {}).get("sources", [])]
    return [source["configMap"]["name"] for source in sources if "configMap" in source]


def read_packages(overlay: str, folder: Path) -> dict[str, Package]:
    """The pipelines that an overlay brings, by name."""
    files = {
        name: text
        for config in of_kind(overlay, "ConfigMap")
        for name, text in config["data"].items()
        if config["metadata"]["name"].startswith("packages-")
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    packages = [read_package(folder / name) for name in files]
    packages += [
        Package(version["spec"]["pipelineSpec"], version["spec"].get("platformSpec", {}))
        for version in of_kind(overlay, "PipelineVersion")
    ]
    return {package.name: package for package in packages}


def build_with(folder: Path, *names: str) -> list[dict]:
    """Build the overlay kubeflow with more components."""
    components = [f"../../components/{name}" for name in ("namespace", "register", *names)]
    return kustomize.build(kustomize.copy_overlay(folder, "kubeflow", components=components))
