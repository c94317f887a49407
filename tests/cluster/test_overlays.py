"""Overlays, applied to an API server and deleted from it."""

import pytest
import yaml

from tests import kustomize
from tests.cluster.cycle import apply_twice_and_delete
from tests.cluster.server import identify
from tests.kustomize import MANIFESTS, OVERLAYS

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_leaves_no_trace(cluster, overlay):
    """Applied twice and deleted, on a cluster without Config Connector, it changes nothing else."""
    apply_twice_and_delete(cluster, MANIFESTS / "overlays" / overlay)


def test_an_overlay_with_every_component_leaves_no_trace(cluster, tmp_path):
    """The server and the job that cleans are among them; the overlay gke has storage-gs."""
    names = ("namespace", "register", "mpijob", "clean", "serve")
    names += ("storage-s3", "storage-s3/kfp-launcher")
    components = [f"../../components/{name}" for name in names]

    apply_twice_and_delete(
        cluster, kustomize.copy_overlay(tmp_path, "kubeflow", components=components)
    )


@pytest.mark.parametrize("server", ["serve", "serve/kserve"])
def test_a_servers_own_overlay_leaves_no_trace(cluster, tmp_path, server):
    """In a namespace that has others' objects, with KServe's CRD there."""
    overlay = kustomize.make_overlay(tmp_path, "team", server, "storage-s3")

    apply_twice_and_delete(cluster, overlay)


def test_an_edited_overlay_is_applied_over_the_one_before(cluster, tmp_path):
    """Other schedules and another image, with the same command; again without a change."""
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    before = kustomize.copy_overlay(tmp_path / "before", "kubeflow")
    after = kustomize.copy_overlay(
        tmp_path / "after",
        "kubeflow",
        images=[{"name": "kubeflow-bert/pipelines", "newName": "registry/bert", "newTag": "2"}],
        configMapGenerator=[
            {"name": "schedules", "behavior": "replace", "files": ["schedules.yaml"]}
        ],
    )
    (after / "schedules.yaml").write_text("schedules: []\n")
    own_before, own = (
        {identify(resource) for resource in kustomize.build(overlay)} for overlay in (before, after)
    )

    cluster.kubectl("apply", "-k", before)
    with cluster.applied(after):
        deploy = cluster.get("cronjob", "bert-deploy", "--namespace=bert")
        output = cluster.kubectl("apply", "-k", after)
        for kind, namespace, name in own_before - own:
            cluster.kubectl("delete", kind, name, f"--namespace={namespace}")

    pod = deploy["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    used = {one["image"] for one in (*pod["initContainers"], *pod["containers"])}
    assert used == {"registry/bert:2"}
    assert output.count(" unchanged\n") == len(own)


@pytest.mark.parametrize("store", ["gs", "s3"])
def test_the_launchers_settings_are_a_patch_too(cluster, store):
    """For a ConfigMap of Kubeflow's, whose other keys stay."""
    file = MANIFESTS / "components" / f"storage-{store}" / "kfp-launcher" / "kfp-launcher.yaml"

    patched = cluster.patch(file, "configmap/kfp-launcher", "--namespace=team", "--dry-run=server")

    assert patched["metadata"]["namespace"] == "team"
    assert patched["data"]["clusterDomain"] == ".svc.cluster.local"
    assert patched["data"]["defaultPipelineRoot"].startswith(f"{store}://")
    assert f"{store}:" in patched["data"]["providers"]


def test_kubeflows_network_policies_admit_the_namespace(cluster, applied):
    """Its object store takes connections only from namespaces with a profile's label."""
    policy = cluster.get("networkpolicy", "seaweedfs", "--namespace=kubeflow")
    rule = policy["spec"]["ingress"][0]
    ((label, value),) = rule["from"][0]["namespaceSelector"]["matchLabels"].items()

    admitted = cluster.kubectl("get", "namespaces", "-oname", f"--selector={label}={value}")

    assert admitted.split() == ["namespace/bert", "namespace/team"]


def test_argos_retries_are_a_patch_too(cluster):
    """For the ConfigMap of a running controller, whose artifact settings stay."""
    file = MANIFESTS / "components" / "argo-retries" / "workflow-controller-configmap.yaml"
    name = "workflow-controller-configmap"
    before = cluster.get("configmap", name, "--namespace=kubeflow")["data"]

    patched = cluster.patch(file, f"configmap/{name}", "--namespace=kubeflow", "--dry-run=server")

    assert patched["data"].keys() == before.keys()
    assert patched["data"]["artifactRepository"] == before["artifactRepository"]
    defaults = yaml.safe_load(patched["data"]["workflowDefaults"])["spec"]["templateDefaults"]
    assert defaults["retryStrategy"]["retryPolicy"] == "Always"
