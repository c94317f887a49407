"""What overlays let containers and accounts do: no more than needed."""

import json

import pytest

from tests.kustomize import OVERLAYS
from tests.manifests.overlays import build_with, containers, of_kind, pod_specs, validate


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
