"""What `kubectl apply -k` puts on a cluster: valid, bounded, and of no more rights than needed."""

import copy
import functools
import itertools
import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from pipelines.compiled_package import Package, read_package
from pipelines.kubeflow.schedules import read_schedules
from pipelines.parameters import read_arguments
from tests import kustomize
from tests.custom_resources import find_faults
from tests.kustomize import MANIFESTS, OVERLAYS
from tests.pipelines.commands import run_command

FOLDER = MANIFESTS / "overlays"
KUBERNETES = "1.32"
# By the API's group: the folder's files say which project's they are.
CRDS = {"pipelines.kubeflow.org": "pipelines.kubeflow.org_{}s.yaml"}
# `kubectl apply` keeps a copy of each resource in an annotation, which may have 256 KiB.
LARGEST = 200_000


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
def test_a_misspelt_field_is_found(kind):
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
def test_no_container_is_root_or_can_become_it(overlay):
    """And none has a token of Kubernetes's API, or a file system to write to."""
    assert pod_specs(overlay)
    for pod in pod_specs(overlay):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


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
def test_no_secret_is_in_the_files(overlay):
    """They are named; who installs it makes them."""
    assert not of_kind(overlay, "Secret")
    text = json.dumps(of_kind(overlay, "ConfigMap", "CronJob")).lower()
    # The variables that get a key from a secret have its name.
    for variable in ("aws_access_key_id", "aws_secret_access_key"):
        text = text.replace(f"envvar: {variable}\\n", "")
    for word in ("secret_access_key", "private_key", "password", "aws_access_key_id"):
        assert word not in text


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_rights_are_the_least(overlay):
    """In the namespace only, each by its name; secrets that are named."""
    assert not of_kind(overlay, "ClusterRole", "ClusterRoleBinding")
    for role in of_kind(overlay, "Role"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            if "secrets" in rule["resources"]:
                assert rule["resourceNames"]
                assert rule["verbs"] == ["get"]
    roles = {role["metadata"]["name"] for role in of_kind(overlay, "Role")}
    accounts = {account["metadata"]["name"] for account in of_kind(overlay, "ServiceAccount")}
    for binding in of_kind(overlay, "RoleBinding"):
        assert binding["roleRef"]["name"] in roles
        assert {subject["name"] for subject in binding["subjects"]} <= accounts
    assert {pod["serviceAccountName"] for pod in pod_specs(overlay)} <= accounts


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_step_may_make_mpijobs(overlay):
    """Whoever may can make any pod with any secret of the namespace."""
    rules = [rule for role in of_kind(overlay, "Role") for rule in role["rules"]]

    assert not [rule for rule in rules if "mpijobs" in rule["resources"]]


def test_an_account_of_its_own_may_make_mpijobs(tmp_path):
    """With components/mpijob: what bert-runner may, and that; bert-runner gets no more."""
    resources = build_with(tmp_path, "mpijob")
    bindings = {
        (one["roleRef"]["name"], subject["name"])
        for one in resources
        if one["kind"] == "RoleBinding"
        for subject in one["subjects"]
    }
    accounts = {one["metadata"]["name"] for one in resources if one["kind"] == "ServiceAccount"}

    assert [fault for resource in resources for fault in validate(resource)] == []
    assert {role for role, name in bindings if name == "bert-mpijob-runner"} == {
        "bert-runner",
        "bert-mpijob",
    }
    assert {role for role, name in bindings if name == "bert-runner"} == {"bert-runner"}
    assert {"bert-runner", "bert-mpijob-runner"} <= accounts


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

    schedules = read_schedules(file)

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


@pytest.mark.parametrize("store", ["gs", "s3"])
def test_a_storage_component_configures_the_artifact_store(store, tmp_path):
    """With a pipeline root, and credentials for its scheme."""
    resources = with_storage(tmp_path, store)
    (config,) = (one for one in resources if one["metadata"]["name"] == "kfp-launcher")

    providers = yaml.safe_load(config["data"]["providers"])

    assert [fault for resource in resources for fault in validate(resource)] == []
    assert config["data"]["defaultPipelineRoot"].startswith(f"{store}://")
    assert providers[store]["default"]["credentials"]


def test_workload_identity_covers_every_account_of_steps(tmp_path):
    """A Google service account is bound to each, and not to the job's."""
    accounts = {
        one["metadata"]["name"]: one["metadata"].get("annotations", {})
        for one in build_with(tmp_path, "mpijob", "storage-gs")
        if one["kind"] == "ServiceAccount"
    }

    assert {name for name, annotations in accounts.items() if annotations} == {
        "bert-runner",
        "bert-mpijob-runner",
    }


def test_keys_of_a_store_are_those_that_the_runner_may_read(tmp_path):
    """With components/storage-s3."""
    resources = with_storage(tmp_path, "s3")
    (config,) = (one for one in resources if one["metadata"]["name"] == "kfp-launcher")
    provider = yaml.safe_load(config["data"]["providers"])["s3"]["default"]
    (role,) = (
        one
        for one in resources
        if one["kind"] == "Role" and one["metadata"]["name"] == "bert-runner"
    )
    (secrets,) = (rule for rule in role["rules"] if "secrets" in rule["resources"])

    assert provider["credentials"]["secretRef"]["secretName"] in secrets["resourceNames"]


def test_steps_open_the_store_that_kubeflow_keeps_artifacts_in(tmp_path):
    """With components/storage-s3: the same endpoint, region and keys, by what packages refer to."""
    resources = with_storage(tmp_path, "s3")
    configs = {one["metadata"]["name"]: one["data"] for one in resources if "data" in one}
    provider = yaml.safe_load(configs["kfp-launcher"]["providers"])["s3"]["default"]
    package = read_packages("kubeflow", tmp_path)["bert"]
    ingest = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][
        "exec-ingest"
    ]
    (secret,), (config,) = ingest["secretAsEnv"], ingest["configMapAsEnv"]

    settings = configs[config["configMapName"]]
    secret_ref = provider["credentials"]["secretRef"]
    assert settings["endpoint"] == f"https://{provider['endpoint']}"
    assert settings["region"] == provider["region"]
    assert {entry["configMapKey"] for entry in config["keyToEnv"]} == settings.keys()
    assert secret["secretName"] == secret_ref["secretName"]
    assert [entry["secretKey"] for entry in secret["keyToEnv"]] == [
        secret_ref["accessKeyKey"],
        secret_ref["secretKeyKey"],
    ]


def with_storage(folder: Path, store: str) -> list[dict]:
    """Build the overlay kubeflow with the components of an object store."""
    return build_with(folder, f"storage-{store}", f"storage-{store}/kfp-launcher")


def build_with(folder: Path, *names: str) -> list[dict]:
    """Build the overlay kubeflow with more components."""
    components = [f"../../components/{name}" for name in ("namespace", "register", *names)]
    return kustomize.build(kustomize.copy_overlay(folder, "kubeflow", components=components))


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
