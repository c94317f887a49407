"""The components of object stores."""

from pathlib import Path

import pytest
import yaml

from tests.manifests.overlays import build_with, read_packages, validate


def with_storage(folder: Path, store: str) -> list[dict]:
    """Build the overlay kubeflow with the components of an object store."""
    return build_with(folder, f"storage-{store}", f"storage-{store}/kfp-launcher")


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
