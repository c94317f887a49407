"""Every package in manifests/: what kfp and a cluster ask of it, whichever pipeline it holds."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kfp import components

from pipelines.local.environments import REPOSITORY

FILES = sorted(
    path
    for folder in ("pipelines", "overlays/gke", "overlays/kubeflow-native")
    for path in (REPOSITORY / "manifests" / folder).glob("*.yaml")
    if path.name not in ("kustomization.yaml", "schedules.yaml")
)
# What the backend replaces when it starts a step: the executor's input.
SUBSTITUTED = {"$"}
every_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def read(path) -> tuple[dict, dict]:
    """The pipeline's specification, and what a cluster is told of its steps."""
    documents = list(yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
    if documents[-1].get("kind") == "PipelineVersion":
        version = documents[-1]["spec"]
        spec, platform = version["pipelineSpec"], version["platformSpec"]
    else:
        spec, platform = documents
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def without_sizes(spec: dict) -> dict:
    """What a local run sees of a pipeline: all but sizes, retries and the recipe."""
    spec = copy.deepcopy(spec)
    del spec["pipelineInfo"]["description"]
    for executor in spec["deploymentSpec"]["executors"].values():
        del executor["container"]["resources"]
    for part in (spec["root"], *spec["components"].values()):
        for parameter in part.get("inputDefinitions", {}).get("parameters", {}).values():
            parameter.pop("defaultValue", None)
        for task in part.get("dag", {}).get("tasks", {}).values():
            task.pop("retryPolicy", None)
    return spec


def test_there_are_packages_of_every_pipeline():
    """For each machine, and in the overlays that have their own."""
    names = {path.stem.partition("-")[0] for path in FILES}

    assert names == {"bert", "squad", "classification", "retraining"}
    assert len(FILES) == 24


@every_file
def test_kfp_loads_it(path, tmp_path):
    """With its settings for Kubernetes; a resource's by what it holds."""
    spec, _ = read(path)
    if path.parent.name == "kubeflow-native":
        path = tmp_path / "package.yaml"
        path.write_text(yaml.dump(spec, Dumper=yaml.CSafeDumper), encoding="utf-8")

    component = components.load_component_from_file(str(path))

    assert component.name == spec["pipelineInfo"]["name"]


@every_file
def test_a_cluster_can_run_its_steps(path):
    """Fixed images, nobody's root, nothing in the environment, no placeholder of kfp's alone."""
    spec, settings = read(path)
    executors = spec["deploymentSpec"]["executors"]

    assert executors.keys() == settings.keys()
    for name, executor in executors.items():
        container = executor["container"]
        assert re.fullmatch(r"\S+(:[\w.-]+|@sha256:[0-9a-f]{64})", container["image"])
        assert not container["image"].endswith(":latest")
        assert "env" not in container
        assert settings[name]["securityContext"]["runAsNonRoot"] is True
        assert int(settings[name]["securityContext"]["runAsUser"]) > 0
        for secret in settings[name].get("secretAsEnv", []):
            assert secret["optional"] is True
    found = {one for text in strings(spec) for one in re.findall(r"{{(.*?)}}", text)}
    assert found == SUBSTITUTED


@every_file
def test_steps_with_gpus_run_on_the_pool_and_the_others_elsewhere(path):
    """By its labels and its taint, with /dev/shm; what has no GPU stays off its nodes."""
    spec, settings = read(path)
    with_gpus = set()
    for name, executor in spec["deploymentSpec"]["executors"].items():
        one = settings[name]
        if "accelerator" in executor["container"]["resources"]:
            with_gpus.add(executor["container"]["image"].partition("/")[2].partition(":")[0])
            assert one["nodeSelector"]["labels"]
            assert [entry["key"] for entry in one["tolerations"]] == ["nvidia.com/gpu"]
            assert "/dev/shm" in {mount["mountPath"] for mount in one["emptyDirMounts"]}
            assert "nodeAffinity" not in one
        else:
            (term,) = one["nodeAffinity"]
            assert {entry["operator"] for entry in term["matchExpressions"]} == {"DoesNotExist"}
            assert "tolerations" not in one

    pretrains = path.stem.startswith(("bert", "retraining"))
    on_gpus = {"finetune", "evaluate"} | ({"pretrain"} if pretrains else set())
    is_cpu = path.stem.endswith("-cpu") or path.parent.name == "kubeflow-native"
    assert with_gpus == (set() if is_cpu else on_gpus)


@every_file
def test_the_ui_names_and_describes_it(path):
    """Each step's name is a sentence's, each parameter has its description."""
    spec, _ = read(path)

    for part in (spec["root"], *spec["components"].values()):
        for task in part.get("dag", {}).get("tasks", {}).values():
            component = spec["components"][task["componentRef"]["name"]]
            if "dag" not in component:
                assert task["taskInfo"]["name"][0].isupper()
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        assert parameter["description"], name


@pytest.mark.parametrize("pipeline", ["bert", "squad", "classification", "retraining"])
def test_machines_change_nothing_that_a_local_run_sees(pipeline):
    """But the recipe: what is shown to run of one machine's package is of all."""
    specs = [without_sizes(read(path)[0]) for path in FILES if path.stem.startswith(pipeline)]

    assert len(specs) == 6
    assert all(spec == specs[0] for spec in specs)
