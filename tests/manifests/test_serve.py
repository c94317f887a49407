"""The server's manifests, with KServe and without it."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from components.serve.config import ServeConfig
from components.shared.images import name_image
from components.shared.stage.settings import list_settings
from pipelines.local.environments import REPOSITORY
from tests import kustomize
from tests.custom_resources import find_faults
from tests.kustomize import MANIFESTS
from tests.pod_security import find_violations

KUBERNETES = "1.32"
COMPONENTS = [
    ("serve",),
    ("serve/kserve",),
    ("serve", "serve-gpu"),
    ("serve/kserve", "serve-gpu"),
]
KUBEFLOW = REPOSITORY / "tests" / "cluster" / "kubeflow.yaml"
_CRD = "serving.kserve.io_inferenceservices.yaml"


@pytest.fixture(params=COMPONENTS, ids="+".join)
def resources(request, tmp_path) -> list[dict[str, Any]]:
    return kustomize.build(kustomize.make_overlay(tmp_path / "manifests", "team", *request.param))


def find_faulty(resource: dict[str, Any]) -> list[str]:
    if resource["kind"] == "InferenceService":
        return find_faults(resource, crd=_CRD)
    try:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


def find_pod(resources: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """The server's pod, and its labels."""
    kind_to_resource = {resource["kind"]: resource for resource in resources}
    if "InferenceService" in kind_to_resource:
        pod = kind_to_resource["InferenceService"]["spec"]["predictor"]
        return pod, pod["labels"]
    template = kind_to_resource["Deployment"]["spec"]["template"]
    return template["spec"], template["metadata"]["labels"]


def test_every_resource_is_valid(resources):
    """By Kubernetes's schemas or KServe's CRD, without a field that they do not know."""
    faults = {resource["kind"]: find_faulty(resource) for resource in resources}

    assert {kind: found for kind, found in faults.items() if found} == {}


def test_a_misspelled_field_of_an_inference_service_is_found():
    """The API server would drop it."""
    built = kustomize.build(MANIFESTS / "components" / "serve" / "kserve")
    (service,) = [resource for resource in built if resource["kind"] == "InferenceService"]
    service["spec"]["predictor"]["minReplica"] = 3

    assert find_faulty(service)


def test_the_pod_is_admitted_under_pod_security_restricted(resources):
    """And writes to nothing but a folder of its own, without a token of Kubernetes's API."""
    pod, _ = find_pod(resources)
    (container,) = pod["containers"]

    assert find_violations(pod) == []
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["resources"]["limits"]["memory"]


def test_the_pod_runs_the_server_s_image_with_flags_that_it_has(resources):
    """The ports are the defaults; KServe calls its container by a name of its own."""
    pod, _ = find_pod(resources)
    (container,) = pod["containers"]
    flags = {word.partition("=")[0] for word in container["args"]}
    known = {f"--{name.replace('_', '-')}" for name in list_settings(ServeConfig)}

    assert container["image"] == name_image("serve")
    assert flags <= known
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": ServeConfig.http_port, "grpc": ServeConfig.grpc_port}
    # After the pause before its end, the server has its time to finish requests.
    assert pod["terminationGracePeriodSeconds"] > 10 + ServeConfig.grace_seconds
    address = f"/v2/models/{ServeConfig.model_name}/ready"
    assert container["readinessProbe"]["httpGet"]["path"] == address


def test_what_selects_pods_selects_the_server_s(resources):
    """Service, autoscaler, disruption budget and network policy."""
    _, labels = find_pod(resources)
    selectors = []
    for resource in resources:
        spec = resource.get("spec", {})
        selectors += [spec.get("selector"), spec.get("podSelector")]
    found = [one.get("matchLabels", one) for one in selectors if one]

    assert found
    assert all(selector.items() <= labels.items() for selector in found)


def test_the_server_reaches_kubeflows_own_store(resources):
    """At its pods' port, which a network policy counts once the Service has been resolved."""
    (policy,) = [one for one in resources if one["kind"] == "NetworkPolicy"]
    admitted = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    kubeflow = yaml.safe_load_all(KUBEFLOW.read_text("utf-8"))
    (store,) = [one["spec"] for one in kubeflow if one["kind"] == "Service"]
    (port,) = [port["targetPort"] for port in store["ports"] if port["port"] == 9000]

    assert port in admitted


@pytest.mark.parametrize("extra", [(), ("serve-gpu",)], ids=["cpu", "gpu"])
def test_both_forms_have_the_same_pod(extra, tmp_path):
    """But for what KServe asks for: its container's name."""
    pods = [
        dict(find_pod(kustomize.build(kustomize.make_overlay(tmp_path / form, "team", *names)))[0])
        for form, names in {"plain": ("serve", *extra), "of": ("serve/kserve", *extra)}.items()
    ]
    plain, of_kserve = pods

    assert of_kserve["containers"][0].pop("name") == "kserve-container"
    plain["containers"][0].pop("name")
    assert {name: of_kserve[name] for name in plain} == plain


@pytest.mark.parametrize("form", ["serve", "serve/kserve"])
def test_on_a_gpu_one_replica_has_one(form, tmp_path):
    """On nodes that are kept for GPUs; no autoscaler looks at CPUs that have nothing to do."""
    built = kustomize.build(
        kustomize.make_overlay(tmp_path / "manifests", "team", form, "serve-gpu")
    )
    pod, _ = find_pod(built)
    kind_to_spec = {one["kind"]: one.get("spec", {}) for one in built}

    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert "HorizontalPodAutoscaler" not in kind_to_spec
    if form == "serve":
        assert kind_to_spec["Deployment"]["replicas"] == 1
    else:
        predictor = kind_to_spec["InferenceService"]["predictor"]
        assert (predictor["minReplicas"], predictor["maxReplicas"]) == (1, 1)
        assert "scaleMetric" not in predictor
