"""Compiled packages: what kfp and a cluster ask of them, whichever pipeline they hold."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components

from pipelines.commands.compile import CompileSettings, compile_pipeline
from pipelines.local.environments import REPOSITORY
from pipelines.local.images import DIGESTS

PIPELINES = ("bert", "squad", "classification", "retraining")
# A package's name in manifests/ -> how `make compile` makes it. It makes those for other machines
# too, which no manifest names and git ignores.
NAME_TO_SETTINGS: dict[str, dict[str, str]] = {
    f"{folder}/{pipeline}{suffix}": {"pipeline": pipeline, **settings}
    for pipeline in PIPELINES
    for folder, suffix, settings in (
        *(
            ("pipelines", f"-{machine}", {"hardware": machine})
            for machine in ("cpu", "dgx-1v-16g", "dgx-1v-32g", "dgx-2")
        ),
        ("overlays/gke", "", {"hardware": "gke-v100x8"}),
        ("overlays/kubeflow-native", "", {"hardware": "cpu", "format": "kubernetes"}),
    )
}
COMMITTED = [name for name in NAME_TO_SETTINGS if "-dgx-" not in name]
# What the backend replaces when it starts a step: the executor's input.
SUBSTITUTED = {"$"}
every_package = pytest.mark.parametrize("package", NAME_TO_SETTINGS)


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> dict[str, Path]:
    """The file of each package, compiled anew."""
    folder = tmp_path_factory.mktemp("packages")
    paths = {name: folder / f"{name}.yaml" for name in NAME_TO_SETTINGS}
    for name, settings in NAME_TO_SETTINGS.items():
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        compile_pipeline(CompileSettings(images=DIGESTS, output=paths[name], **settings))
    return paths


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


@pytest.mark.parametrize("package", COMMITTED)
def test_a_committed_package_is_what_the_code_compiles_to(packages, package):
    """`make compile` was not forgotten."""
    committed = REPOSITORY / "manifests" / f"{package}.yaml"

    assert committed.read_text("utf-8") == packages[package].read_text("utf-8")


@every_package
def test_kfp_loads_it(packages, package, tmp_path):
    """With its settings for Kubernetes; a resource's by what it holds."""
    path = packages[package]
    spec, _ = read(path)
    if "kubeflow-native" in package:
        path = tmp_path / "package.yaml"
        path.write_text(yaml.dump(spec, Dumper=yaml.CSafeDumper), encoding="utf-8")

    component = components.load_component_from_file(str(path))

    assert component.name == spec["pipelineInfo"]["name"]


@every_package
def test_a_cluster_can_run_its_steps(packages, package):
    """Fixed images, nobody's root, nothing in the environment, no placeholder of kfp's alone."""
    spec, settings = read(packages[package])
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


@every_package
def test_steps_with_gpus_run_on_the_pool_and_the_others_elsewhere(packages, package):
    """By its labels and its taint, with /dev/shm; what has no GPU stays off its nodes."""
    spec, settings = read(packages[package])
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

    made_with = NAME_TO_SETTINGS[package]
    pretrains = made_with["pipeline"] in ("bert", "retraining")
    on_gpus = {"finetune", "evaluate"} | ({"pretrain"} if pretrains else set())
    assert with_gpus == (set() if made_with["hardware"] == "cpu" else on_gpus)


@every_package
def test_the_ui_names_and_describes_it(packages, package):
    """Each step's name is a sentence's, each parameter has its description."""
    spec, _ = read(packages[package])

    for part in (spec["root"], *spec["components"].values()):
        for task in part.get("dag", {}).get("tasks", {}).values():
            component = spec["components"][task["componentRef"]["name"]]
            if "dag" not in component:
                assert task["taskInfo"]["name"][0].isupper()
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        assert parameter["description"], name


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_machines_change_nothing_that_a_local_run_sees(packages, pipeline):
    """But the recipe: what is shown to run of one machine's package is of all."""
    specs = [
        without_sizes(read(packages[name])[0])
        for name, settings in NAME_TO_SETTINGS.items()
        if settings["pipeline"] == pipeline
    ]

    assert len(specs) == 6
    assert all(spec == specs[0] for spec in specs)
