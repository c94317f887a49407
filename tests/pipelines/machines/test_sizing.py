"""The compiled packages: each sized for its machine, and fit for a cluster."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kfp import components

from components.shared.mpijob.worker_pod import WorkerPod
from pipelines.commands.compile import CompileSettings, compile_pipeline
from pipelines.local.environments import STAGES
from pipelines.local.images import DIGESTS
from pipelines.local.runner import run
from pipelines.machines.hardware import HARDWARE
from pipelines.machines.machine_plan import make_plan
from tests.pipelines.commands.test_run import BERT_CONFIG, SAMPLE

GPU_MACHINES = [machine for machine in HARDWARE.values() if machine.num_gpus]
TRAINING = ("pretrain", "finetune")
SEVERAL = "dgx-2x4"
# What the backend replaces when it starts a step: the executor's input, whole or in parts.
SUBSTITUTED = re.compile(r"\$(\.(inputs|outputs)\.(parameters|artifacts)\['[\w-]+'\].*)?")


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> dict[str, tuple[str, dict, dict]]:
    """By machine: the file's text, the pipeline's specification, and that for Kubernetes."""
    folder = tmp_path_factory.mktemp("packages")
    compiled = {}
    for name in (*HARDWARE, SEVERAL):
        path = folder / f"{name}.yaml"
        compile_pipeline(
            CompileSettings(pipeline="bert", hardware=name, images=DIGESTS, output=path)
        )
        text = path.read_text("utf-8")
        compiled[name] = (text, *yaml.safe_load_all(text))
    return compiled


def list_steps(packages, name: str) -> Iterator[tuple[str, dict, dict]]:
    """Each step's stage, container and settings for Kubernetes."""
    _, pipeline, platform = packages[name]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for executor, value in pipeline["deploymentSpec"]["executors"].items():
        container = value["container"]
        yield container["command"][-1].split(".")[1], container, settings[executor]


def list_retries(node: dict) -> Iterator[tuple[str, dict | None]]:
    """Each container step's component and retries, in loops too."""
    for component in (node["root"], *node["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            name = task["componentRef"]["name"]
            if "dag" not in node["components"][name]:
                yield name.removeprefix("comp-"), task.get("retryPolicy")


def gib(text: str) -> int:
    assert text.endswith("Gi")
    return int(text[:-2])


@pytest.mark.parametrize("name", HARDWARE)
def test_only_what_the_clusters_backend_replaces_is_left_to_it(packages, name):
    """kfp's local runner knows placeholders that the cluster does not."""
    found = set(re.findall(r"{{(.*?)}}", packages[name][0]))

    assert "$" in found
    assert all(SUBSTITUTED.fullmatch(placeholder) for placeholder in found), found


@pytest.mark.parametrize("name", HARDWARE)
def test_every_step_runs_a_fixed_image_as_a_user_that_is_not_root(packages, name):
    """No tag that moves, nobody's root, and no value in the environment."""
    for _, container, settings in list_steps(packages, name):
        assert re.fullmatch(r"\S+(:[\w.-]+|@sha256:[0-9a-f]{64})", container["image"])
        assert not container["image"].endswith(":latest")
        assert "env" not in container
        assert settings["securityContext"] == {
            "runAsUser": "10001",
            "runAsGroup": "10001",
            "runAsNonRoot": True,
        }


@pytest.mark.parametrize("name", [*HARDWARE, SEVERAL])
def test_steps_that_open_a_store_take_its_keys_from_a_secret(packages, name):
    """By name, if it is there; the package has none, and the other steps get none."""
    variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    for stage, _, settings in list_steps(packages, name):
        secrets = settings.get("secretAsEnv", [])
        if stage not in ("ingest", "preprocess", "release", *TRAINING):
            assert not [key for key in settings if "secret" in key.lower()]
            continue
        (secret,), (config,) = secrets, settings["configMapAsEnv"]
        assert secret["optional"] is config["optional"] is True
        assert secret["secretName"] == config["configMapName"] == "bert-object-store"
        assert [entry["envVar"] for entry in secret["keyToEnv"]] == variables
        assert [entry["envVar"] for entry in config["keyToEnv"]] == [
            "AWS_ENDPOINT_URL",
            "AWS_DEFAULT_REGION",
        ]
        assert "secretAsVolume" not in settings


@pytest.mark.parametrize("machine", GPU_MACHINES, ids=lambda machine: machine.name)
def test_training_and_evaluation_take_a_machine_whole(packages, machine):
    """All its GPUs, and of CPUs and memory what Kubernetes leaves."""
    stages = (*TRAINING, "evaluate")
    steps = [step for step in list_steps(packages, machine.name) if step[0] in stages]

    assert len(steps) == 4
    for _, container, settings in steps:
        resources = container["resources"]
        assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
        assert resources["accelerator"]["resourceCount"] == str(machine.num_gpus)
        assert machine.num_cpus - 4 < int(resources["resourceCpuRequest"]) < machine.num_cpus
        memory = gib(resources["resourceMemoryLimit"])
        assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"]
        assert 0.92 * machine.memory_gib < memory < 0.97 * machine.memory_gib
        shared, scratch = settings["emptyDirMounts"]
        assert (shared["mountPath"], shared["medium"]) == ("/dev/shm", "Memory")
        assert gib(shared["sizeLimit"]) == machine.shared_memory_gib < memory / 10
        assert (scratch["mountPath"], scratch.get("medium")) == ("/tmp", None)
        assert gib(scratch["sizeLimit"]) <= machine.local_ssd_gib


@pytest.mark.parametrize("machine", GPU_MACHINES, ids=lambda machine: machine.name)
def test_steps_with_gpus_run_on_the_pool_and_the_others_elsewhere(packages, machine):
    """By the pool's labels and its taint; a DGX without a taint is kept free too."""
    for stage, container, settings in list_steps(packages, machine.name):
        if "accelerator" in container["resources"]:
            assert stage in (*TRAINING, "evaluate")
            assert settings["nodeSelector"]["labels"] == machine.node_selector
            assert [entry["key"] for entry in settings["tolerations"]] == ["nvidia.com/gpu"]
            assert "nodeAffinity" not in settings
        else:
            (term,) = settings["nodeAffinity"]
            assert {(e["key"], e["operator"]) for e in term["matchExpressions"]} == {
                ("nvidia.com/gpu.present", "DoesNotExist"),
                ("cloud.google.com/gke-accelerator", "DoesNotExist"),
            }
            assert "tolerations" not in settings


def test_on_several_machines_a_training_step_follows_a_job_from_elsewhere(packages):
    """It needs no GPU itself; the pods of the MPIJob ask for the machines."""
    parameters = packages[SEVERAL][1]["root"]["inputDefinitions"]["parameters"]
    steps = {stage: container for stage, container, _ in list_steps(packages, SEVERAL)}

    pod = WorkerPod.parse(parameters["worker_pod"]["defaultValue"])

    assert (parameters["num_nodes"]["defaultValue"], HARDWARE["dgx-2"].num_gpus) == (4, 16)
    assert parameters["num_processes"]["defaultValue"] == 64
    assert pod.nodeSelector == HARDWARE["dgx-2"].node_selector
    assert pod.tolerations == [{**HARDWARE["dgx-2"].tolerations[0]}]
    assert pod.resources["limits"]["nvidia.com/gpu"] == "16"
    assert gib(pod.resources["limits"]["memory"]) == HARDWARE["dgx-2"].worker_memory_gib
    assert pod.sharedMemory == "16Gi"
    deadlines = {
        stage: int(settings["activeDeadlineSeconds"])
        for stage, _, settings in list_steps(packages, SEVERAL)
    }
    for stage in TRAINING:
        assert parameters["job_timeout_seconds"]["defaultValue"] == deadlines[stage]
        assert "accelerator" not in steps[stage]["resources"]
        assert gib(steps[stage]["resources"]["resourceMemoryLimit"]) == 1
    assert steps["evaluate"]["resources"]["accelerator"]["resourceCount"] == "16"


def test_without_gpus_every_step_fits_the_small_machine(packages):
    """Two CPUs and 8 GiB."""
    for _, container, _ in list_steps(packages, "cpu"):
        resources = container["resources"]
        assert "accelerator" not in resources
        assert resources["resourceCpuRequest"] == "1"
        assert gib(resources["resourceMemoryRequest"]) <= 5


@pytest.mark.parametrize("name", HARDWARE)
def test_the_defaults_are_the_machines_recipe(packages, name):
    """As `plan` prints it."""
    parameters = packages[name][1]["root"]["inputDefinitions"]["parameters"]

    for parameter, value in make_plan(name).parameters.items():
        assert parameters[parameter]["defaultValue"] == value, parameter
    assert parameters["num_processes"]["defaultValue"] == max(1, HARDWARE[name].num_gpus)


@pytest.mark.parametrize("name", ["dgx-1v-16g", SEVERAL])
def test_so_are_those_of_classification(tmp_path, name):
    """Its own, and what both pipelines have."""
    path = tmp_path / "classification.yaml"
    compile_pipeline(
        CompileSettings(hardware=name, images=DIGESTS, output=path, pipeline="classification")
    )
    (spec, _) = yaml.safe_load_all(path.read_text("utf-8"))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    plan = make_plan(name)

    expected = plan.classification_parameters | {"num_processes": plan.hardware.num_processes}

    assert {key: parameters[key]["defaultValue"] for key in expected} == expected


@pytest.mark.parametrize("name", HARDWARE)
def test_a_step_is_tried_again_for_as_long_as_it_may_take(packages, name):
    """Argo Workflows gives no retry once the longest back-off is over since the first try."""
    retries = list(list_retries(packages[name][1]))
    deadlines = {
        stage: int(settings["activeDeadlineSeconds"])
        for stage, _, settings in list_steps(packages, name)
    }

    assert len(retries) >= len(STAGES)
    for component, policy in retries:
        stage = re.sub(r"-\d+$", "", component)
        assert policy["maxRetryCount"] == (10 if stage in TRAINING else 3)
        assert float(policy["backoffDuration"].rstrip("s")) >= 30
        # The backend passes it on as text, and Argo takes whole numbers only.
        assert policy["backoffFactor"] == int(policy["backoffFactor"]) >= 1
        assert float(policy["backoffMaxDuration"].rstrip("s")) == deadlines[stage]


def test_training_may_take_twice_the_hours_that_are_expected(packages):
    """8.4 days of a DGX-1V with 16 GB; the quarter of an hour of fine-tuning has three days."""
    stages = {stage: settings for stage, _, settings in list_steps(packages, "dgx-1v-16g")}

    days = {name: int(stages[name]["activeDeadlineSeconds"]) / 86400 for name in TRAINING}

    assert days == {"pretrain": pytest.approx(2 * 8.4, abs=0.1), "finetune": 3}


def test_images_are_pinned_by_their_digests(tmp_path):
    """As the file of `make push` has them; what it lacks keeps its name."""
    pushed = f"registry.example/bert/pretrain@sha256:{'0' * 64}"
    digests = tmp_path / "images.json"
    digests.write_text(json.dumps({"kubeflow-bert/pretrain:0.1.0": pushed}))

    compile_pipeline(
        CompileSettings(
            pipeline="bert", hardware="dgx-2", images=digests, output=tmp_path / "bert.yaml"
        )
    )

    (pipeline, _) = yaml.safe_load_all((tmp_path / "bert.yaml").read_text("utf-8"))
    executors = pipeline["deploymentSpec"]["executors"]
    images = {name: value["container"]["image"] for name, value in executors.items()}
    assert images["exec-pretrain"] == images["exec-pretrain-2"] == pushed
    assert images["exec-ingest"] == "kubeflow-bert/ingest:0.1.0"
    # From there it comes into what a checkpoint says of its training.
    env = executors["exec-pretrain"]["container"]["env"]
    assert {"name": "STEP_IMAGE", "value": pushed} in env
    assert "env" not in executors["exec-ingest"]["container"]


@pytest.mark.long
def test_a_package_for_gpus_runs_on_this_machine(tmp_path):
    """kfp's local runner passes over what only a cluster has."""
    path = tmp_path / "bert.yaml"
    compile_pipeline(CompileSettings(pipeline="bert", hardware="dgx-2", output=path))
    package = components.load_component_from_file(str(path))
    arguments = {
        "dump": str(SAMPLE / "wiki-sample.xml.bz2"),
        "squad_train": str(SAMPLE / "squad-sample.json"),
        "vocabulary_size": 2000,
        "bert_config": BERT_CONFIG,
        "precision": "float32",
        "num_processes": 2,
        "pretrain_128_num_steps": 3,
        "pretrain_128_global_batch_size": 64,
        "pretrain_512_num_steps": 2,
        "pretrain_512_global_batch_size": 4,
        "finetune_num_epochs": 0.5,
        "finetune_global_batch_size": 32,
    }

    artifacts = run(arguments, runner="process", output=tmp_path / "runs", pipeline=package)

    assert (Path(artifacts["checkpoint"].path) / "bert_model.ckpt.index").exists()
    assert json.loads(Path(artifacts["metrics"].path).read_text("utf-8"))["questions_per_second"]
