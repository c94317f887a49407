"""The fake servers have the form of what a real KFP 2.17 answered."""

import json
import urllib.error
import urllib.request

import pytest
import yaml

from pipelines.compiled_package import Package, read_package
from pipelines.local.environments import REPOSITORY
from pipelines.monitoring.workflow import Workflow, list_executions
from tests.answers import read_answer
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_kfp import running_fake_kfp
from tests.pipelines.fakes.fake_workflow import OMITTED, list_tasks, node_id

PACKAGE = REPOSITORY / "manifests" / "pipelines" / "bert-cpu.yaml"
LOOP = "for-loop-1[0]"
RUNS = {
    "run-succeeded": {
        "ingest": "SUCCEEDED",
        "preprocess": "SUCCEEDED",
        "pretrain": "FAILED,SUCCEEDED",
        "pretrain-2": "SUCCEEDED",
        f"{LOOP}/finetune": "SUCCEEDED",
        f"{LOOP}/evaluate": "SUCCEEDED",
        "choose": "SUCCEEDED",
    },
    "run-failed": {
        "ingest": "FAILED",
        "preprocess": OMITTED,
        "pretrain": OMITTED,
        "pretrain-2": OMITTED,
        "choose": OMITTED,
    },
    "run-nothing-new": {
        "exit-handler-1/look-for-dump": "SUCCEEDED",
        "exit-handler-1/condition-2": "SKIPPED",
        "exit-handler-1.onExit/notify": "SUCCEEDED",
    },
    "run-retraining-failed": {
        "exit-handler-1/look-for-dump": "SUCCEEDED",
        "exit-handler-1/condition-2/bert/ingest": "FAILED",
        "exit-handler-1/condition-2/bert/preprocess": OMITTED,
        "exit-handler-1/condition-2/bert/pretrain": OMITTED,
        "exit-handler-1/condition-2/bert/pretrain-2": OMITTED,
        "exit-handler-1/condition-2/bert/choose": OMITTED,
        "exit-handler-1/condition-2/bert/release": OMITTED,
        "exit-handler-1/condition-2/record-dump": OMITTED,
        "exit-handler-1.onExit/notify": "SUCCEEDED",
    },
}


class Task:
    """A task of JSON, as kfp's client shows it."""

    def __init__(self, task: dict) -> None:
        self.display_name = task.get("display_name")
        self.state = task.get("state")
        self.start_time = self.end_time = None
        self.child_tasks = [type("Child", (), child) for child in task.get("child_tasks", ())]


@pytest.fixture
def kfp():
    with running_fake_kfp() as server:
        yield server


def ask(kfp, path: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(kfp.address + path) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def count_states(tasks: list[dict]) -> dict:
    """How often a node of a name ended so; graphs without pods aside, whose nodes vary."""
    states: dict = {}
    for task in tasks:
        name = task.get("display_name", "").partition("(")[0]
        if not name.startswith(("iteration", "for-loop", "condition")):
            key = (task.get("display_name"), task.get("state"))
            states[key] = states.get(key, 0) + 1
    return states


@pytest.mark.parametrize("name", RUNS)
def test_a_workflow_has_the_nodes_of_the_recorded_one(name):
    """Their names, states, tries and ids; the records of its launchers, too."""
    recorded = read_answer(name)["run_details"]["task_details"]
    named = Workflow([Task(task) for task in recorded if "display_name" in task])

    fake = list_tasks("run", named.name, RUNS[name])

    assert count_states(fake) | {(None, None): 0} == count_states(recorded) | {(None, None): 0}
    parents = {
        child["pod_name"]
        for task in fake
        for child in task.get("child_tasks", ())
        if ".iteration" not in task["display_name"]
    }
    real = {child["pod_name"] for task in recorded for child in task.get("child_tasks", ())}
    assert parents <= real


def test_the_names_behind_all_recorded_ids_are_found():
    """By hashing what a node may be called."""
    tasks = [
        task
        for task in read_answer("run-succeeded")["run_details"]["task_details"]
        if "display_name" in task
    ]

    workflow = Workflow([Task(task) for task in tasks])

    assert workflow.name == "bert-sdmgv"
    (pretrain,) = (task for task in tasks if task["display_name"] == "pretrain")
    name = workflow.name_of(Task(pretrain))
    assert name == "bert-sdmgv(0).root(0).pretrain"
    assert workflow.executor_ids(name) == [
        node_id("bert-sdmgv", f"{name}(0).executor({number})") for number in (0, 1)
    ]
    (tries,) = (
        [child["pod_name"] for child in task["child_tasks"]]
        for task in tasks
        if task["display_name"] == "executor" and len(task["child_tasks"]) == 2
    )
    assert set(workflow.executor_ids(name)) == set(tries)


def test_of_a_graph_that_argo_tried_again_only_the_last_try_counts():
    """Its steps are listed twice: those of the lost try, and those that replace them."""
    steps = {"ingest": "FAILED", "root(1)/ingest": "SUCCEEDED"}
    tasks = [Task(task) for task in list_tasks("run", "bert-x2v5k", steps)]

    (found,) = list_executions(tasks, read_package(PACKAGE))

    node = "bert-x2v5k(0).root(1).ingest(0).executor(0)"
    pod = node_id("bert-x2v5k", node).replace("x2v5k-", "x2v5k-retry-system-container-impl-")
    assert (found.step, found.state, found.pod) == ("ingest", "SUCCEEDED", pod)


def test_pipelines_runs_and_recurring_runs_have_the_recorded_fields(kfp, tmp_path):
    """Those that the server adds, besides what was sent."""
    schedule = {
        "name": "minutely",
        "pipeline": "bert",
        "cron": "0 */2 * * * *",
        "parameters": {"dump": "simplewiki-latest", "squad_train": "gs://b/train.json"},
    }
    (tmp_path / "schedules.yaml").write_text(yaml.safe_dump({"schedules": [schedule]}))
    kfp.add_pipeline("bert", "1")
    file = tmp_path / "schedules.yaml"
    run_command("schedule", "apply", "--file", file, "--host", kfp.address)
    run_command(
        *("submit", "--pipeline", "bert", "--host", kfp.address, "--no-follow"),
        *("--dump", "simplewiki-latest", "--squad-train", "gs://b/train.json"),
    )

    pairs = {
        "recurringruns": read_answer("recurring-runs")["recurringRuns"][0],
        "pipelines": read_answer("pipelines")["pipelines"][0],
        "runs": read_answer("run-succeeded"),
    }
    only_sent = {"service_account", "description", "namespace", "pipeline_version_reference"}
    # Of plugins that the server has, and of nothing that is read.
    unread = {"plugins_output", "scheduled_at", "run_details", "updated_at"}
    for collection, recorded in pairs.items():
        (made,) = kfp.objects[collection].values()
        assert recorded.keys() - only_sent - unread <= made.keys(), collection


def test_what_the_server_refuses_has_the_recorded_body(kfp):
    """An unknown run, a path that 2.17 does not have, and a request without a token."""
    assert ask(kfp, "/apis/v2beta1/runs/nope") == (404, read_answer("error-no-run"))
    assert ask(kfp, "/apis/v2beta1/artifacts")[0] == 404
    kfp.token = "abc"

    assert ask(kfp, "/apis/v2beta1/runs") == (401, read_answer("error-no-token"))
    assert ask(kfp, "/apis/v2beta1/healthz")[0] == 200


@pytest.mark.parametrize(("is_ui", "status"), [(True, 200), (False, 404)])
def test_ml_metadata_is_at_the_uis_address_only(kfp, is_ui, status):
    """The API server's own does not know it."""
    kfp.is_ui = is_ui
    url = f"{kfp.address}/ml_metadata.MetadataStoreService/GetContextByTypeAndName"
    empty = b"\x00\x00\\x00\\x00\\x00"
    kfp.metadata_error = "no context"
    try:
        got = urllib.request.urlopen(urllib.request.Request(url, empty)).status
    except urllib.error.HTTPError as error:
        got = error.code

    assert got == status


def test_the_template_of_a_labeled_pod_counts_its_labels():
    """As KFP's compiler names it; a queue's label is set when a package is compiled."""
    package = read_package(PACKAGE)
    labeled = json.loads(json.dumps(package.platform))
    executors = labeled["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-pretrain"]["podMetadata"] = {"labels": {"kueue.x-k8s.io/queue-name": "gpus"}}

    assert package.pod_template("pretrain") == "retry-system-container-impl"
    assert (
        Package(package.spec, labeled).pod_template("pretrain")
        == "metadata-0-1-retry-system-container-impl"
    )
