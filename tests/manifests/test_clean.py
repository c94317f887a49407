"""The job that removes what old runs left."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import kubernetes_validate
import pytest
import yaml
from google.cloud import storage

from pipelines.cleaning.last_clean import note_clean
from pipelines.kubeflow.schedules import read_schedules
from tests import kustomize
from tests.components.object_stores import s3_server, s3_settings
from tests.kustomize import MANIFESTS
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_kfp import running_fake_kfp
from tests.pod_security import find_violations

RESOURCES = kustomize.build(MANIFESTS / "components" / "clean")
(JOB,) = [one for one in RESOURCES if one["kind"] == "CronJob"]
POD = JOB["spec"]["jobTemplate"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
FOLDER = "/etc/bert"


def take_example(name):
    """Return schedules.yaml of the manifests with the section that is a comment there."""
    text = (MANIFESTS / name / "schedules.yaml").read_text("utf-8")
    head, _, section = text.partition("# clean:")
    return f"{head}clean:{section.replace('#   ', '  ')}"


def test_every_resource_is_valid():
    """Without a field that Kubernetes does not know, and under Pod Security "restricted"."""
    for resource in RESOURCES:
        kubernetes_validate.validate(resource, "1.32", strict=True)

    assert not find_violations(POD["spec"])


@pytest.mark.parametrize("name", ["base", "overlays/gke"])
def test_the_example_of_a_clean_is_valid(tmp_path, name):
    """It waits in the file as a comment."""
    file = tmp_path / "schedules.yaml"
    file.write_text(take_example(name), encoding="utf-8")

    clean = read_schedules(file).clean

    assert (clean.keep_runs, clean.older_than, clean.dry_run) == (3, "30d", True)
    assert read_schedules(MANIFESTS / name / "schedules.yaml").clean is None


def test_the_job_cleans_as_the_schedules_of_the_overlay_say(tmp_path, monkeypatch):
    """With its own words, in a root of another store."""
    document = yaml.safe_load(take_example("base"))
    root = "s3://mlpipeline/v2/artifacts"
    document["clean"] |= {"root": root, "model_store": [], "scratch": [], "dry_run": False}
    (tmp_path / "schedules.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    words = [word.replace(FOLDER, str(tmp_path)) for word in CONTAINER["args"]]

    with running_fake_kfp() as kfp, s3_server() as url:
        for name, value in (s3_settings(url) | {"KF_PIPELINES_ENDPOINT": kfp.address}).items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="mlpipeline")
        note_clean(root, datetime.now(UTC) - timedelta(days=8), [])
        done = run_command(*words)

    assert done.lines == [f"{root}: removing 0 of 0, 0 B", "versions: removing 0 of 0"]
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("source", "components"),
    [
        ("kubeflow", ("namespace", "register", "clean")),
        ("standalone", ("register", "clean", "single-user")),
    ],
)
def test_the_job_reads_the_overlays_schedules(tmp_path, source, components):
    """Those of the deploying job; a single user's server is asked for no namespace."""
    overlay = kustomize.copy_overlay(
        tmp_path, source, components=[f"../../components/{name}" for name in components]
    )
    pods = {
        one["metadata"]["name"]: one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        for one in kustomize.build(overlay)
        if one["kind"] == "CronJob"
    }

    def find_schedules(pod):
        (name,) = [one["configMap"]["name"] for one in pod["volumes"] if one["name"] == "schedules"]
        return name

    variables = {one["name"] for one in pods["bert-clean"]["containers"][0]["env"]}
    assert find_schedules(pods["bert-clean"]) == find_schedules(pods["bert-deploy"])
    assert ("KF_PIPELINES_NAMESPACE" in variables) == (source == "kubeflow")
    assert {"name": "schedules", "mountPath": FOLDER, "readOnly": True} in CONTAINER["volumeMounts"]


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


def test_the_lifecycle_rules_spare_models_and_records(monkeypatch):
    """A store of S3's takes its form; Google's client reads its own."""
    folder = MANIFESTS / "components" / "clean"
    rules = json.loads((folder / "lifecycle-s3.json").read_text("utf-8"))
    theirs = json.loads((folder / "lifecycle-gs.json").read_text("utf-8"))
    bucket = storage.Bucket(storage.Client.create_anonymous_client(), "my-bucket")
    bucket.lifecycle_rules = theirs["rule"]

    with s3_server() as url:
        for name, value in s3_settings(url).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="my-bucket")
        client.put_bucket_lifecycle_configuration(Bucket="my-bucket", LifecycleConfiguration=rules)
        kept = client.get_bucket_lifecycle_configuration(Bucket="my-bucket")["Rules"]

    assert [rule["Filter"]["Prefix"] for rule in kept] == [
        "v2/artifacts/bert-retraining/", "bert/checkpoints/"
    ]  # fmt: skip
    assert [type(rule).__name__ for rule in bucket.lifecycle_rules] == [
        "LifecycleRuleDelete", "LifecycleRuleAbortIncompleteMultipartUpload"
    ]  # fmt: skip
    for rule in theirs["rule"]:
        assert rule["condition"]["matchesPrefix"] == ["bert/bert-retraining/", "bert/checkpoints/"]
