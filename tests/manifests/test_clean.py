"""The job that removes what old runs left."""

import re

import kubernetes_validate

from tests import kustomize
from tests.kustomize import MANIFESTS
from tests.pipelines.commands import run_command
from tests.pod_security import find_violations

RESOURCES = kustomize.build(MANIFESTS / "components" / "clean")
(JOB,) = [one for one in RESOURCES if one["kind"] == "CronJob"]
(SETTINGS,) = [one["data"] for one in RESOURCES if one["kind"] == "ConfigMap"]
POD = JOB["spec"]["jobTemplate"]["spec"]["template"]


def test_every_resource_is_valid():
    """Without a field that Kubernetes does not know, and under Pod Security "restricted"."""
    for resource in RESOURCES:
        kubernetes_validate.validate(resource, "1.32", strict=True)

    assert not find_violations(POD["spec"])


def test_the_command_takes_its_flags(tmp_path):
    """With the values of the ConfigMap; the root is another, which needs no cluster."""
    (container,) = POD["spec"]["containers"]
    values = {
        variable["name"]: SETTINGS[reference["key"]]
        for variable in container["env"]
        if (reference := variable.get("valueFrom", {}).get("configMapKeyRef", {})).get("name")
        == "bert-clean"
    }
    values["ROOT"] = str(tmp_path)
    flags = [re.sub(r"\$\((\w+)\)", lambda m: values[m[1]], word) for word in container["args"]]

    done = run_command(*flags)

    assert done.lines == [f"{tmp_path}: removing 0 of 0, 0 B"]
    assert done.returncode == 0


def test_the_account_may_delete_runs_and_nothing_of_kubernetes():
    """Reads, and the records of runs."""
    (role,) = [one for one in RESOURCES if one["kind"] == "Role"]

    assert {group for rule in role["rules"] for group in rule["apiGroups"]} == {
        "pipelines.kubeflow.org"
    }
    verbs = {name: {*rule["verbs"]} for rule in role["rules"] for name in rule["resources"]}
    assert verbs.pop("runs") == {"get", "list", "delete"}
    assert all(allowed == {"get", "list"} for allowed in verbs.values())
    assert POD["spec"]["serviceAccountName"] == "bert-cleaner"
    assert POD["spec"]["automountServiceAccountToken"] is False
