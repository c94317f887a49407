"""Pods and custom resources that the API server accepts, under Pod Security "restricted"."""

import copy
from typing import Any

import pytest

from components.shared.mpijob.mpijob_manifest import make_network_policy
from pipelines.catalog import PIPELINES
from pipelines.compiled_package import Package, read_package
from pipelines.machines.hardware import HARDWARE
from pipelines.machines.step_resources import Queue
from tests.cluster.server import Server
from tests.components.shared.mpijob.fakes.mpi_operator import make_launcher, make_worker
from tests.kustomize import MANIFESTS, OVERLAYS, build
from tests.pipelines.machines.mpijobs import OWN_POD, make_job, make_spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.usefixtures("applied")]

PACKAGES = [
    *sorted((MANIFESTS / "pipelines").glob("*-cpu.yaml")),
    *(MANIFESTS / "overlays" / "gke" / f"{name}.yaml" for name in (*PIPELINES, "retraining")),
]


def create_pods(cluster: Server, specs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Have the server admit pods to the overlay's own namespace, without keeping them."""
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "bert"},
            "spec": {"restartPolicy": "Never", **spec},
        }
        for name, spec in specs.items()
    ]
    return cluster.create(pods, "--dry-run=server")


def step_pods(package: Package) -> dict[str, dict[str, Any]]:
    """Return the steps' pods, as Kubeflow Pipelines 2.16 and later makes them of a package.

    Its compiler for Argo sets the seccomp profile, drops capabilities and forbids privilege
    escalation; the user comes from the package.
    """
    executors = package.spec["deploymentSpec"]["executors"]
    settings = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    pods = {}
    for name, executor in executors.items():
        user = settings[name]["securityContext"]
        mounts = settings[name].get("emptyDirMounts", [])
        container = {
            "name": "main",
            "image": executor["container"]["image"],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "runAsUser": int(user["runAsUser"]),
                "runAsGroup": int(user["runAsGroup"]),
                "runAsNonRoot": user["runAsNonRoot"],
            },
            "volumeMounts": [
                {"name": mount["volumeName"], "mountPath": mount["mountPath"]} for mount in mounts
            ],
        }
        pods[name] = {
            "serviceAccountName": "bert-runner",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": mount["volumeName"], "emptyDir": {}} for mount in mounts],
        }
    return pods


def test_the_namespace_rejects_a_pod_that_may_run_as_root(cluster):
    """Otherwise the other tests of this file would prove nothing."""
    spec = step_pods(read_package(PACKAGES[0]))["exec-pretrain"]
    del spec["containers"][0]["securityContext"]["runAsNonRoot"]

    with pytest.raises(AssertionError, match='violates PodSecurity "restricted:latest"'):
        create_pods(cluster, {"step": spec})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.stem)
def test_the_steps_of_a_package_are_admitted(cluster, package):
    """Each with its user and its volumes."""
    specs = step_pods(read_package(package))

    assert len(create_pods(cluster, specs)) == len(specs)


@pytest.mark.parametrize("name", [f"{name}x2" for name in HARDWARE])
def test_an_mpijob_and_its_pods_are_admitted(cluster, name):
    """With the queue's fields; its pods as mpi-operator makes them, and their policy."""
    job = make_job(name, namespace="bert", queue=Queue(queue="team", queue_priority_class="high"))
    policy = make_network_policy(make_spec(name, namespace="bert"), OWN_POD)
    pods = [make_worker(job, 0), make_worker(job, 1), make_launcher(job)]

    assert len(cluster.create([job, policy, *pods], "--dry-run=server")) == 5


def test_a_misspelled_field_of_an_mpijob_is_rejected(cluster):
    """The definition is mpi-operator's, whose unknown fields would be dropped."""
    job = make_job("dgx-2x4", namespace="bert")
    job["spec"]["runPolicy"]["schedulingPolicy"]["minAvailible"] = 4

    with pytest.raises(AssertionError, match='unknown field "minAvailible" in .*MPIJob'):
        cluster.create([job], "--dry-run=server")


@pytest.mark.parametrize("folder", [*(f"overlays/{name}" for name in OVERLAYS), "components/clean"])
def test_a_job_of_the_manifests_is_admitted(cluster, folder):
    """With its containers and its token, as an account that is there."""
    (one,) = (resource for resource in build(MANIFESTS / folder) if resource["kind"] == "CronJob")

    pod = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert create_pods(cluster, {"job": pod | {"serviceAccountName": "bert-deployer"}})


def test_the_server_is_admitted(cluster):
    """Its Deployment, service and autoscaler too; KServe's form has the same pod."""
    resources = build(MANIFESTS / "components" / "serve")
    (pod,) = (one["spec"]["template"]["spec"] for one in resources if one["kind"] == "Deployment")

    assert create_pods(cluster, {"serve": pod | {"serviceAccountName": "bert-runner"}})
    assert len(cluster.create(resources, "--dry-run=server", "--namespace=bert")) == len(resources)


def test_pipelines_are_accepted_as_resources(cluster):
    """A field that their definition does not know is an error."""
    resources = build(MANIFESTS / "overlays" / "kubeflow-native")
    versions = [one for one in resources if one["kind"] in ("Pipeline", "PipelineVersion")]
    misspelled = copy.deepcopy(versions[-1])
    misspelled["spec"]["displayname"] = "x"

    assert len(cluster.create(versions, "--dry-run=server")) == len(versions)
    with pytest.raises(AssertionError, match='unknown field "displayname"'):
        cluster.create([misspelled], "--dry-run=server")
