"""The job that removes what old runs left."""

import re

import boto3
import kubernetes_validate

from tests import kustomize
from tests.components.object_stores import s3_server, s3_settings
from tests.kustomize import MANIFESTS
from tests.pipelines.commands import run_command
from tests.pipelines.fake_kfp import running_fake_kfp
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


def test_the_command_takes_its_flags(monkeypatch):
    """With the values of the ConfigMap, and the root in another store."""
    (container,) = POD["spec"]["containers"]
    values = {
        variable["name"]: SETTINGS[reference["key"]]
        for variable in container["env"]
        if (reference := variable.get("valueFrom", {}).get("configMapKeyRef", {})).get("name")
        == "bert-clean"
    }
    values["ROOT"] = "s3://mlpipeline/v2/artifacts"
    flags = [re.sub(r"\$\((\w+)\)", lambda m: values[m[1]], word) for word in container["args"]]

    with running_fake_kfp() as kfp, s3_server() as url:
        for name, value in (s3_settings(url) | {"KF_PIPELINES_ENDPOINT": kfp.address}).items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="mlpipeline")
        done = run_command(*flags)

    assert done.lines == [
        "s3://mlpipeline/v2/artifacts: removing 0 of 0, 0 B",
        "versions: removing 0 of 0",
    ]
    assert done.returncode == 0


def test_the_account_may_delete_runs_and_nothing_of_kubernetes():
    """Reads, the records of runs, and versions of pipelines."""
    (role,) = [one for one in RESOURCES if one["kind"] == "Role"]

    assert {group for rule in role["rules"] for group in rule["apiGroups"]} == {
        "pipelines.kubeflow.org"
    }
    verbs = {name: {*rule["verbs"]} for rule in role["rules"] for name in rule["resources"]}
    for name in ("runs", "pipelines"):
        assert verbs.pop(name) == {"get", "list", "delete"}
    assert all(allowed == {"get", "list"} for allowed in verbs.values())
    assert POD["spec"]["serviceAccountName"] == "bert-cleaner"
    assert POD["spec"]["automountServiceAccountToken"] is False
