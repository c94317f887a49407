"""Overlays in a profile's namespace, applied by its owner, who has no right elsewhere."""

import pytest
import yaml

from tests import kustomize
from tests.cluster.cycle import apply_twice_and_delete
from tests.kustomize import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# Kubeflow made this person an admin of the namespace "team" (profile_admin.yaml).
OWNER = "--as=user@example.com"


@pytest.fixture
def copy_overlay(tmp_path):
    """Copy an overlay for the namespace, with these components and without the Namespace."""

    def copy(source, *components):
        return kustomize.copy_overlay(
            tmp_path,
            source,
            namespace="team",
            components=[f"../../components/{name}" for name in components],
        )

    return copy


@pytest.mark.parametrize("store", ["storage-gs", "storage-s3"])
def test_the_owner_installs_everything(cluster, copy_overlay, store):
    """With every component; labels, artifact settings and keys of Kubeflow's stay as they are."""
    overlay = copy_overlay("kubeflow", "register", "mpijob", "clean", "serve", store)

    apply_twice_and_delete(cluster, overlay, OWNER)


def test_the_owner_installs_pipelines_as_resources(cluster, copy_overlay):
    """Kubeflow's API server keeps them in Kubernetes."""
    apply_twice_and_delete(cluster, copy_overlay("kubeflow-native"), OWNER)


def test_the_owner_upgrades_pipelines_as_resources(cluster, copy_overlay):
    """Adds versions; may not patch a pipeline whose description changed, but replace it."""
    overlay = copy_overlay("kubeflow-native")
    pipeline, version = yaml.safe_load_all((overlay / "squad.yaml").read_text("utf-8"))

    def change(pipeline, version):
        (overlay / "squad.yaml").write_text(yaml.safe_dump_all([pipeline, version]), "utf-8")

    with cluster.applied(overlay):
        old_version = version["metadata"]["name"]
        version["metadata"]["name"] = "squad-2"
        change(pipeline, version)
        added = cluster.kubectl("apply", "-k", overlay, OWNER)
        pipeline["spec"]["description"] = "Another."
        change(pipeline, version)
        with pytest.raises(AssertionError, match='cannot patch resource "pipelines"'):
            cluster.kubectl("apply", "-k", overlay, OWNER)
        cluster.kubectl("replace", "--save-config", "-k", overlay, OWNER)
        again = cluster.kubectl("apply", "-k", overlay, OWNER)
        replaced = cluster.get("pipeline", "squad", "--namespace=team")
        cluster.kubectl("delete", "pipelineversion", old_version, "--namespace=team", OWNER)

    assert "pipelineversion.pipelines.kubeflow.org/squad-2 created" in added
    assert replaced["spec"]["description"] == "Another."
    assert again.count(" unchanged\n") == len(again.splitlines())


def test_the_owner_may_not_make_a_namespace(cluster):
    """So the tests above prove something: an overlay with one is refused."""
    with pytest.raises(AssertionError, match='cannot get resource "namespaces"'):
        cluster.kubectl("apply", "-k", MANIFESTS / "overlays" / "kubeflow", OWNER)
