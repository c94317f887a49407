"""What the service accounts may do, as the API server decides it."""

import itertools
from collections.abc import Iterator

import pytest

from tests.cluster.server import Server
from tests.kustomize import copy_overlay

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# A verb, a resource with its API group, and a name, or "" for all of the resource's.
Right = tuple[str, str, str]

VERBS = (
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("enable", "disable", "archive", "terminate", "impersonate", "bind", "escalate"),
)
# The API server has no such resources by themselves: Kubeflow's API asks about its own.
MORE_RESOURCES = (
    *("pods/exec", "pods/log", "pods/portforward", "serviceaccounts/token"),
    *(f"{name}.pipelines.kubeflow.org" for name in ("experiments", "jobs", "runs")),
    *("pipelines/versions.pipelines.kubeflow.org", "workflowtaskresults.argoproj.io"),
)
SECRETS = ("mlpipeline-minio-artifact", "bert-object-store", "another")
CONFIGS = ("kfp-launcher", "metadata-grpc-configmap", "another")


def grant(verbs: str, resources: str, name: str = "") -> set[Right]:
    """Return the rights of each verb to each resource."""
    return {(*pair, name) for pair in itertools.product(verbs.split(), resources.split())}


RUNNER = {
    *grant("get", "configmaps", "kfp-launcher"),
    *grant("get", "configmaps", "metadata-grpc-configmap"),
    *grant("get", "secrets", "mlpipeline-minio-artifact"),
    *grant("get", "secrets", "bert-object-store"),
    *grant("get list", "pods"),
    *grant("create patch", "workflowtaskresults.argoproj.io"),
}
# Of components/mpijob, on top of a step's.
MPIJOB = {
    *grant("create get list watch delete", "mpijobs.kubeflow.org"),
    *grant("create delete", "networkpolicies.networking.k8s.io"),
    *grant("watch", "pods"),
    *grant("get", "pods/log"),
    *grant("list", "events"),
}
PIPELINES = "pipelines.pipelines.kubeflow.org pipelines/versions.pipelines.kubeflow.org"
DEPLOYER = {
    *grant("get list", f"{PIPELINES} pipelineversions.pipelines.kubeflow.org"),
    *grant("get list create", "experiments.pipelines.kubeflow.org"),
    *grant("get list create delete enable disable", "jobs.pipelines.kubeflow.org"),
}
REGISTER = grant("create", PIPELINES)


def list_rights(cluster: Server, account: str, *, namespace: str) -> set[Right]:
    """Ask, as an account of "bert", for every verb and resource that the server knows."""
    resources = [*cluster.kubectl("api-resources", "-oname").split(), *MORE_RESOURCES]
    rights = list(itertools.product(VERBS, resources, [""]))
    rights += [("get", "secrets", name) for name in SECRETS]
    rights += [("get", "configmaps", name) for name in CONFIGS]
    reviews = [describe(right, namespace) for right in rights]
    answers = cluster.create(reviews, f"--as=system:serviceaccount:bert:{account}")
    allowed = [answer["status"].get("allowed", False) for answer in answers]
    return set(itertools.compress(rights, allowed))


def describe(right: Right, namespace: str) -> dict:
    """Return the question whether one has a right."""
    verb, resource, name = right
    resource, _, group = resource.partition(".")
    resource, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes | {"name": name, "namespace": namespace}},
    }


@pytest.fixture(scope="module")
def applied_with_mpijob(cluster, tmp_path_factory) -> Iterator[None]:
    """Apply the overlay kubeflow with components/mpijob, as a copy of it has it."""
    components = [f"../../components/{name}" for name in ("namespace", "register", "mpijob")]
    folder = tmp_path_factory.mktemp("manifests")
    overlay = copy_overlay(folder, "kubeflow", components=components)
    cluster.kubectl("apply", "-k", overlay)
    yield
    cluster.delete(overlay)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("bert-runner", RUNNER),
        ("bert-mpijob-runner", RUNNER | MPIJOB),
        ("bert-deployer", DEPLOYER | REGISTER),
    ],
)
def test_an_account_may_do_what_it_needs_and_nothing_else(
    cluster, applied_with_mpijob, account, expected
):
    """In its namespace; elsewhere it may do what any account may."""
    anybody = list_rights(cluster, "nobody", namespace="bert")

    rights = list_rights(cluster, account, namespace="bert")
    elsewhere = list_rights(cluster, account, namespace="kubeflow")

    assert rights - anybody == expected
    assert elsewhere == anybody
