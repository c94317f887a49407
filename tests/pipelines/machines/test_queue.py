"""`compile --queue`: what waits in a cluster's queue, and for how long it may."""

import json
from pathlib import Path

import pytest
import yaml

from pipelines.machines.step_resources import Queue
from tests.pipelines.cli import run_command
from tests.pipelines.machines.mpijobs import make_job

NAME, PRIORITY = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"


def compile_package(folder: Path, *flags: str) -> tuple[dict, dict[str, dict]]:
    """The pipeline's parameters, and each executor's settings for Kubernetes."""
    output = folder / "package.yaml"
    done = run_command("compile", *flags, "--output", output)
    assert done.returncode == 0, done.stderr
    spec, platform = yaml.safe_load_all(output.read_text("utf-8"))
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return spec["root"]["inputDefinitions"]["parameters"], settings


def labels_of(settings: dict[str, dict]) -> dict[str, dict]:
    pods = {name: one.get("podMetadata", {}) for name, one in settings.items()}
    return {name: pod["labels"] for name, pod in pods.items() if "labels" in pod}


@pytest.mark.parametrize(
    ("pipeline", "steps"),
    [
        ("bert", {"exec-pretrain", "exec-pretrain-2", "exec-finetune", "exec-evaluate"}),
        (
            "retraining",
            {"exec-pretrain", "exec-pretrain-2", "exec-finetune", "exec-evaluate"},
        ),
        ("squad", {"exec-finetune", "exec-evaluate"}),
        (
            "classification",
            {"exec-finetune-classification", "exec-evaluate-classification"},
        ),
    ],
)
def test_steps_that_take_a_machine_wait_in_the_queue(tmp_path, pipeline, steps):
    """In loops and conditions too; the others run beside it."""
    queue = ("--queue", "team-a", "--queue-priority-class", "high")

    _, settings = compile_package(tmp_path, pipeline, "--hardware", "dgx-2", *queue)

    assert labels_of(settings) == {step: {NAME: "team-a", PRIORITY: "high"} for step in steps}


def test_on_several_machines_the_jobs_wait_and_not_their_steps(tmp_path):
    """A step that follows its job would hold what the job waits for."""
    queue = ("--queue", "team-a", "--queue-priority-class", "high", "--pod-priority-class", "big")

    parameters, settings = compile_package(tmp_path, "bert", "--hardware", "dgx-2x4", *queue)

    assert set(labels_of(settings)) == {"exec-evaluate"}
    worker_pod = json.loads(parameters["worker_pod"]["defaultValue"])
    assert worker_pod["queueName"] == "team-a"
    assert worker_pod["queuePriorityClass"] == "high"
    assert worker_pod["priorityClassName"] == "big"
    job = make_job("dgx-2x4", queue=Queue(queue="team-a", queue_priority_class="high"))
    assert job["metadata"]["labels"].items() >= {NAME: "team-a", PRIORITY: "high"}.items()
    assert job["spec"]["runPolicy"]["schedulingPolicy"]["minAvailable"] == 4


def test_the_queue_has_two_weeks_of_its_own(tmp_path):
    """On top of a step's time limit; the job's own counts from its admission."""
    parameters, before = compile_package(tmp_path, "bert", "--hardware", "dgx-2x4")

    _, after = compile_package(tmp_path, "bert", "--hardware", "dgx-2x4", "--queue", "team-a")

    extra = {
        name: int(after[name]["activeDeadlineSeconds"]) - int(one["activeDeadlineSeconds"])
        for name, one in before.items()
    }
    two_weeks, queued = 14 * 86400, ("pretrain", "finetune", "evaluate")
    assert extra == {name: two_weeks if name.split("-")[1] in queued else 0 for name in before}
    limit = parameters["job_timeout_seconds"]["defaultValue"]
    assert limit == int(before["exec-pretrain"]["activeDeadlineSeconds"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--queue", "Team A"), "--queue must be a Kubernetes name"),
        (("--queue-priority-class", "high"), "--queue-priority-class orders a queue"),
        (("--pod-priority-class", "x" * 64), "--pod-priority-class must be a Kubernetes name"),
        (
            ("--hardware", "dgx-1v-16g", "--deadline-days", "16"),
            "must be at least 17, since one training",
        ),
        (("--deadline-days", "-1"), "--deadline-days must be from 0 to 3650, got -1"),
    ],
)
def test_a_setting_that_a_cluster_would_refuse_is_rejected(tmp_path, flags, said):
    """Before a package is written."""
    done = run_command("compile", "bert", *flags, "--output", tmp_path / "bert.yaml")

    assert done.returncode == 2
    assert said in done.last_error
    assert not (tmp_path / "bert.yaml").exists()
