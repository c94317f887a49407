"""The component that lets training steps make MPIJobs."""

import os

import pytest
import yaml

from pipelines.environments import REPOSITORY
from tests import kustomize
from tests.manifests.test_overlays import validate

MANIFESTS = REPOSITORY / "manifests"


@pytest.fixture
def resources(tmp_path) -> list[dict]:
    """The overlay for Kubeflow with the component."""
    parts = {"resources": "overlays/kubeflow", "components": "components/mpijob"}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "team",
        **{kind: [os.path.relpath(MANIFESTS / part, tmp_path)] for kind, part in parts.items()},
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return [item for item in kustomize.build(tmp_path) if item["metadata"]["name"] == "bert-mpijob"]


def test_the_account_of_the_steps_gets_the_role(resources):
    """In the overlay's namespace, by valid resources."""
    kinds = {resource["kind"]: resource for resource in resources}

    assert kinds.keys() == {"Role", "RoleBinding"}
    assert [fault for resource in resources for fault in validate(resource)] == []
    assert kinds["RoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "bert-runner", "namespace": "team"}
    ]
