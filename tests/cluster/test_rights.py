"""What the service accounts may do, as the API server decides it."""

import itertools

import pytest

from tests import kustomize
from tests.cluster.server import Server
from tests.kustomize import MANIFESTS, OVERLAYS

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# A verb, a resource with its API group, and a name, or "" for all of the resource's.
Right = tuple[str, str, str]


def grant(verbs: str, resources: str, name: str = "") -> set[Right]:
    """Return the rights of each verb to each resource."""
    return {(*pair, name) for pair in itertools.product(verbs.split(), resources.split())}


ANYBODY = {
    *grant("create", "selfsubjectreviews.authentication.k8s.io"),
    *grant("create", "selfsubjectaccessreviews.authorization.k8s.io"),
    *grant("create", "selfsubjectrulesreviews.authorization.k8s.io"),
}
RUNNER = {
    *grant("get", "configmaps", "kfp-launcher"),
    *grant("get", "configmaps", "metadata-grpc-configmap"),
    *grant("get", "secrets", "mlpipeline-minio-artifact"),
    *grant("get", "secrets", "bert-object-store"),
    *grant("get list", "pods"),
    *grant("create patch", "workflowtaskresults.argoproj.io"),
}
MPIJOB_RUNNER = {
    *RUNNER,
    *grant("create get list watch delete", "mpijobs.kubeflow.org"),
    *grant("create delete", "networkpolicies.networking.k8s.io"),
    *grant("watch", "pods"),
    *grant("get", "pods/log"),
    *grant("list", "events"),
}
# Kubeflow's API server asks Kubernetes for these; "jobs" are its recurring runs.
PIPELINES = "pipelines.pipelines.kubeflow.org"
DEPLOYER = {
    *grant("get list", PIPELINES),
    *grant("get list create", "experiments.pipelines.kubeflow.org"),
    *grant("get list create delete enable disable", "jobs.pipelines.kubeflow.org"),
}
REGISTERING_DEPLOYER = DEPLOYER | grant("create", PIPELINES)
CLEANER = {
    *grant("get list delete", "runs.pipelines.kubeflow.org"),
    *grant("get list", "jobs.pipelines.kubeflow.org"),
    *grant("get list delete", PIPELINES),
}
# What would let an account reach other secrets, pods or namespaces.
FORBIDDEN = {
    *grant("get list watch", "secrets"),
    *grant("get", "secrets", "another"),
    *grant("create", "pods pods/exec pods/attach pods/portforward jobs.batch"),
    *grant("create", "serviceaccounts/token workflows.argoproj.io"),
    *grant("get list update patch delete", "configmaps"),
    *grant("update patch delete", "configmaps", "kfp-launcher"),
    *grant(
        "create patch", "roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io"
    ),
    *grant("impersonate", "serviceaccounts users groups"),
    *grant("get list create delete", "runs.pipelines.kubeflow.org"),
    *grant("delete", PIPELINES),
    *grant("create delete", "pipelineversions.pipelines.kubeflow.org"),
    *grant("get list", "nodes namespaces persistentvolumes"),
}


def check_rights(cluster: Server, account: str, namespace: str, expected: set[Right]) -> None:
    """Fail if an account, "NAMESPACE:NAME", lacks a right in a namespace or has one more.

    The server lists the account's rights, and decides on every right named above one by one.
    """
    named = sorted(MPIJOB_RUNNER | REGISTERING_DEPLOYER | FORBIDDEN)
    questions = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
        *(describe(right, namespace) for right in named),
    ]
    rules, *answers = cluster.create(questions, f"--as=system:serviceaccount:{account}")
    listed = {
        (verb, f"{resource}.{group}".rstrip("."), name)
        for rule in rules["status"]["resourceRules"]
        for verb, group, resource, name in itertools.product(
            rule["verbs"], rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""])
        )
    }
    allowed = [answer["status"].get("allowed", False) for answer in answers]

    assert listed - ANYBODY == expected
    assert set(itertools.compress(named, allowed)) == expected


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


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_accounts_may_do_what_they_need_and_nothing_else(cluster, overlay):
    """Only with the component register may the job upload pipelines; no step may make MPIJobs."""
    deployer = DEPLOYER if overlay == "kubeflow-native" else REGISTERING_DEPLOYER
    namespace = "kubeflow" if overlay == "standalone" else "bert"

    with cluster.applied(MANIFESTS / "overlays" / overlay):
        check_rights(cluster, f"{namespace}:bert-runner", namespace, RUNNER)
        check_rights(cluster, f"{namespace}:bert-deployer", namespace, deployer)
        check_rights(cluster, f"{namespace}:bert-mpijob-runner", namespace, set())
        check_rights(cluster, f"{namespace}:bert-runner", "team", set())


def test_only_an_account_of_its_own_may_make_mpijobs(cluster, tmp_path):
    """With the component mpijob, and in the overlay's namespace alone."""
    components = [f"../../components/{name}" for name in ("namespace", "register", "mpijob")]
    overlay = kustomize.copy_overlay(tmp_path, "kubeflow", components=components)

    with cluster.applied(overlay):
        check_rights(cluster, "bert:bert-runner", "bert", RUNNER)
        check_rights(cluster, "bert:bert-mpijob-runner", "bert", MPIJOB_RUNNER)
        check_rights(cluster, "bert:bert-mpijob-runner", "team", set())


def test_only_the_cleaning_job_may_delete_runs(cluster, tmp_path):
    """With the component clean."""
    components = [f"../../components/{name}" for name in ("namespace", "register", "clean")]
    overlay = kustomize.copy_overlay(tmp_path, "kubeflow", components=components)

    with cluster.applied(overlay):
        check_rights(cluster, "bert:bert-cleaner", "bert", CLEANER)
        check_rights(cluster, "bert:bert-deployer", "bert", REGISTERING_DEPLOYER)
