"""What `kubectl apply -k` puts on a cluster: valid, complete, as the code compiles it."""

import copy
import itertools
import json
from pathlib import Path

import pytest
import yaml

from pipelines.compiled_package import Package
from pipelines.kubeflow.schedules import read_schedules
from pipelines.parameters import read_arguments
from tests import kustomize
from tests.kustomize import MANIFESTS, OVERLAYS
from tests.manifests.overlays import (
    FOLDER,
    build,
    containers,
    list_configs,
    of_kind,
    pod_specs,
    read_packages,
    validate,
)
from tests.pipelines.cli import run_command

# `kubectl apply` keeps a copy of each resource in an annotation, which may have 256 KiB.
LARGEST = 200_000


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_valid(overlay):
    """By Kubernetes's schemas or its CRD, without a field that they do not know."""
    faults = {
        f"{resource['kind']} {resource['metadata']['name']}": validate(resource)
        for resource in build(overlay)
    }

    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "kind", ["CronJob", "PipelineVersion", "Role", "NetworkPolicy", "ConfigMap"]
)
def test_a_misspelled_field_is_found(kind):
    """The API server would drop it, and the resource be another."""
    resource = copy.deepcopy(of_kind("kubeflow-native", kind)[0])
    parent = resource.get("spec", resource)
    parent["displayname"] = "x"

    assert validate(resource)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_small_enough_to_be_applied(overlay):
    """By `kubectl apply`, which keeps a copy of it in an annotation; etcd takes 1.5 MiB."""
    sizes = {r["metadata"]["name"]: len(json.dumps(r)) for r in build(overlay)}

    print(f"{overlay}: the largest has {max(sizes.values()) / 1024:.0f} KiB")
    assert [name for name, size in sizes.items() if size > LARGEST] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_others_need_comes_first(overlay):
    """The namespace, and a pipeline before its versions, which the webhook looks for."""
    kinds = [kind for kind, _ in itertools.groupby(r["kind"] for r in build(overlay))]

    assert "Namespace" not in kinds[1:]
    if "PipelineVersion" in kinds:
        assert kinds.index("Pipeline") < kinds.index("PipelineVersion")
        names = {pipeline["metadata"]["name"] for pipeline in of_kind(overlay, "Pipeline")}
        versions = of_kind(overlay, "PipelineVersion")
        assert {version["spec"]["pipelineName"] for version in versions} == names


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_one_namespace(overlay):
    """That of the overlay, which is named once."""
    name = yaml.safe_load((FOLDER / overlay / "kustomization.yaml").read_text("utf-8"))["namespace"]

    for resource in build(overlay):
        if resource["kind"] == "Namespace":
            assert resource["metadata"]["name"] == name
        else:
            assert resource["metadata"]["namespace"] == name
        for subject in resource.get("subjects", []):
            assert subject["namespace"] == name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_image_has_a_tag_that_moves(overlay, tmp_path):
    """Of the job, and of the steps of the pipelines."""
    images = [container["image"] for pod in pod_specs(overlay) for container in containers(pod)]
    for package in read_packages(overlay, tmp_path).values():
        executors = package.spec["deploymentSpec"]["executors"].values()
        images += [executor["container"]["image"] for executor in executors]

    for image in images:
        name, _, tag = image.rpartition(":")
        assert name
        assert "/" not in tag
        assert tag != "latest"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_a_job_mounts_is_there(overlay):
    """Under the name that kustomize gave it by its content."""
    configs = {config["metadata"]["name"] for config in of_kind(overlay, "ConfigMap")}

    for pod in pod_specs(overlay):
        mounted = {name for volume in pod["volumes"] for name in list_configs(volume)}
        assert mounted
        assert mounted <= configs
        volumes = {volume["name"] for volume in pod["volumes"]}
        mounts = {mount["name"] for one in containers(pod) for mount in one["volumeMounts"]}
        assert mounts == volumes


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schedules_fit_the_pipelines(overlay, tmp_path):
    """Each runs a pipeline that the overlay brings, with parameters that it takes."""
    (config,) = (
        config
        for config in of_kind(overlay, "ConfigMap")
        if config["metadata"]["name"].startswith("schedules-")
    )
    file = tmp_path / "schedules"
    file.write_text(config["data"]["schedules.yaml"], encoding="utf-8")
    packages = read_packages(overlay, tmp_path)
    accounts = {account["metadata"]["name"] for account in of_kind(overlay, "ServiceAccount")}

    schedules = read_schedules(file).schedules

    assert schedules
    for schedule in schedules:
        parameters = tmp_path / "parameters"
        parameters.write_text(yaml.safe_dump(dict(schedule.parameters)), encoding="utf-8")
        read_arguments(packages[schedule.pipeline], [], parameters)
        assert schedule.service_account in accounts


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubeflows_own_objects_are_left_out(overlay):
    """kfp-launcher comes only with a storage component, in a namespace of the overlay's own."""
    configs = {config["metadata"]["name"]: config for config in of_kind(overlay, "ConfigMap")}
    file = yaml.safe_load((FOLDER / overlay / "kustomization.yaml").read_text("utf-8"))
    components = {Path(component).name for component in file.get("components", [])}

    assert ("kfp-launcher" in configs) == ("kfp-launcher" in components)
    if "kfp-launcher" in configs:
        assert of_kind(overlay, "Namespace")
    assert configs.keys().isdisjoint(
        {"metadata-grpc-configmap", "artifact-repositories", "workflow-controller-configmap"}
    )


def test_a_single_users_server_is_asked_for_no_namespace():
    """It would refuse; and its own namespace is not ours to delete."""
    assert not of_kind("standalone", "Namespace")
    for pod in pod_specs("standalone"):
        for container in containers(pod):
            names = {variable["name"] for variable in container["env"]}
            assert "KF_PIPELINES_ENDPOINT" in names
            assert "KF_PIPELINES_NAMESPACE" not in names


def test_argos_retries_go_into_kubeflows_kustomization(tmp_path):
    """Only the policy differs from what KFP 2.17 sets; the expression spares whole DAGs."""
    name = "workflow-controller-configmap"
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"executor": "imagePullPolicy: IfNotPresent\n", "workflowDefaults": "spec: {}\n"},
    }
    (tmp_path / "argo-retries").symlink_to(MANIFESTS / "components" / "argo-retries")
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(theirs))
    settings = {"resources": ["theirs.yaml"], "components": ["argo-retries"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(settings))

    (config,) = kustomize.build(tmp_path)

    assert config["data"]["executor"] == theirs["data"]["executor"]
    spec = yaml.safe_load(config["data"]["workflowDefaults"])["spec"]
    assert spec["templateDefaults"]["retryStrategy"] == {
        "limit": "2",
        "retryPolicy": "Always",
        "expression": "lastRetry.status == 'Error' || asInt(lastRetry.exitCode) > 0",
    }


@pytest.mark.parametrize(
    ("overlay", "flags"),
    [
        ("gke", ("--hardware", "gke-v100x8")),
        ("kubeflow-native", ("--hardware", "cpu", "--format", "kubernetes")),
    ],
)
@pytest.mark.parametrize("name", ["bert", "squad", "classification", "retraining"])
def test_the_committed_pipelines_are_what_the_code_compiles_to(overlay, flags, name, tmp_path):
    """`make compile` brings them up to date."""
    output = tmp_path / "compiled.yaml"

    assert run_command("compile", name, *flags, "--output", output).returncode == 0

    committed = (FOLDER / overlay / f"{name}.yaml").read_text("utf-8")
    assert output.read_text("utf-8") == committed


@pytest.mark.parametrize("name", ["bert", "squad", "classification", "retraining"])
def test_a_versions_name_says_its_content(name):
    """Kubeflow refuses to change a version: other content is another version."""
    text = (FOLDER / "kubeflow-native" / f"{name}.yaml").read_text("utf-8")
    (version,) = (one for one in yaml.safe_load_all(text) if one["kind"] == "PipelineVersion")
    spec = version["spec"]
    package = Package(spec["pipelineSpec"], spec["platformSpec"])

    assert version["metadata"]["name"] == spec["displayName"] == package.version_name
