"""Labels and annotations by which kubectl, Flux and Argo CD find and prune what is applied."""

from pathlib import Path

import pytest
import yaml

from tests import kustomize
from tests.kustomize import MANIFESTS

LABELS = {"app.kubernetes.io/name": "kubeflow-bert"}
# The server has an overlay of its own, perhaps in the same namespace.
OVERLAY_LABELS = LABELS | {"app.kubernetes.io/instance": "bert"}
# Node pools are not an overlay's: Config Connector would take their labels to Google Cloud.
FOLDERS = [
    file.parent
    for part in ("base", "components", "overlays", "pipelines")
    for file in sorted((MANIFESTS / part).rglob("kustomization.yaml"))
]


def makes_objects(folder: Path) -> bool:
    """Tell a kustomization with objects from one that only patches those of others."""
    settings = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    return not settings.keys().isdisjoint({"resources", "configMapGenerator"})


@pytest.mark.parametrize(
    "folder",
    filter(makes_objects, FOLDERS),
    ids=lambda folder: str(folder.relative_to(MANIFESTS)),
)
def test_every_object_has_the_same_labels(folder):
    """Components alone, too: an overlay may have one and nothing else."""
    labels = OVERLAY_LABELS if folder.parent.name == "overlays" else LABELS
    without = [
        f"{one['kind']} {one['metadata']['name']}"
        for one in kustomize.build(folder)
        if not labels.items() <= one["metadata"].get("labels", {}).items()
    ]

    assert without == []


def test_schedules_of_an_overlays_own_have_them_too(tmp_path):
    """As manifests/README.md adds them to a copy of an overlay."""
    overlay = kustomize.copy_overlay(
        tmp_path,
        "kubeflow",
        configMapGenerator=[
            {"name": "schedules", "behavior": "replace", "files": ["schedules.yaml"]}
        ],
    )
    (overlay / "schedules.yaml").write_text("schedules: []\n")

    (schedules,) = (
        one for one in kustomize.build(overlay) if one["metadata"]["name"].startswith("schedules-")
    )

    assert schedules["metadata"]["labels"] == OVERLAY_LABELS


def test_versions_of_pipelines_are_not_pruned():
    """Flux and Argo CD read it from annotations; kubectl knows none."""
    versions = [
        one["metadata"].get("annotations")
        for one in kustomize.build(MANIFESTS / "overlays" / "kubeflow-native")
        if one["kind"] == "PipelineVersion"
    ]

    assert versions
    for annotations in versions:
        assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
        assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_pods_keep_labels_of_their_own():
    """Network policies and Services select the pods of one workload by these."""
    (server,) = (
        one
        for one in kustomize.build(MANIFESTS / "components" / "serve")
        if one["kind"] == "Deployment"
    )

    labels = server["spec"]["template"]["metadata"]["labels"]

    assert labels == server["spec"]["selector"]["matchLabels"]
    assert labels.items().isdisjoint(LABELS.items())
