"""Runs that have ended, as `follow` and `runs` tell it, with the answers of KFP 2.17."""

import re

import pytest

from tests.answers import read_answer
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_metadata import Execution, Output
from tests.pipelines.fakes.fake_workflow import CACHED, DRIVER_FAILED, OMITTED, node_id

LOOP = "for-loop-1[0]"
WORKFLOW = "bert-x2v5k"


def pod(*names: str, template="retry-system-container-impl") -> str:
    """The pod of a node below the workflow's root."""
    node = ".".join([f"{WORKFLOW}(0).root(0)", *names])
    return node_id(f"{WORKFLOW}-{template}", node)


# The log of a pod: KFP's launcher, the step, Argo's own process around them.
LOG = """\
I1128 21:23:06.101 14 launcher_v2.go:192] PIPELINE_RUN started
pretrain: 8 processes
going on from step 1200 of 7038
pretrain: error: /data/dataset.json: no such file; run the preprocess step first
I1128 21:23:07.412 14 launcher_v2.go:300] publish success.
F1128 21:23:07.500 14 main.go:57] failed to execute component: exit status 2
time="2026-11-28T21:23:08.000Z" level=info msg="sub-process exited" argo=true error="<nil>"
Error: exit status 1
"""
OWN_WORDS = "pretrain: error: /data/dataset.json: no such file; run the preprocess step first"


@pytest.mark.parametrize("is_ui", [True, False])
def test_a_failed_step_is_reported_with_its_own_error(follow, kfp, is_ui):
    """Of its last try, from the pod's log, at the UI's address and at the API server's."""
    kfp.is_ui = is_ui
    kfp.logs = {
        pod("pretrain(0)", "executor(0)"): "pretrain: error: another one, of the first try\n",
        pod("pretrain(0)", "executor(1)"): LOG,
    }
    steps = {"ingest": "SUCCEEDED", "preprocess": "SUCCEEDED", "pretrain": "FAILED,FAILED"}
    steps |= {"pretrain-2": OMITTED, "choose": OMITTED}

    done = follow(state="FAILED", steps=steps)

    assert done.returncode == 1
    assert f"error: Pretrain at length 128: {OWN_WORDS}\n" in done.stderr
    assert "another one" not in done.stderr
    assert "launcher" not in done.stderr
    assert "Pretrain at length 128: failed, 1 h 2 min" in done.stdout
    assert done.lines[-2] == (
        "not run: Pretrain at length 512, Fine-tune on SQuAD, Evaluate, Choose the best model, "
        "Release"
    )


def test_a_failure_is_reported_though_the_run_ends_before_its_steps(kfp):
    """KFP's API server stores the run's end a moment earlier: that look is not the last."""
    kfp.logs = {pod("ingest(0)", "executor(0)"): "ingest: error: no such object\n"}
    kfp.story = [("RUNNING", {"ingest": "RUNNING"}), ("FAILED", {"ingest": "FAILED"})]
    kfp.add_pipeline("bert", "1")
    (version,) = kfp.versions["pipelines-1"]
    reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
    run = {"display_name": "run", "state": "RUNNING", "pipeline_version_reference": reference}

    done = run_command("follow", kfp.add("runs", run)["run_id"], "--host", kfp.address)

    assert done.returncode == 1
    assert "error: Fetch and check the inputs: ingest: error: no such object\n" in done.stderr
    assert "Fetch and check the inputs: failed" in done.stdout


def test_the_error_of_a_deleted_pod_comes_from_the_copy_of_its_log(follow, kfp):
    """KFP's artifact executor-logs, of which each try has one; through the UI."""
    place = "mlpipeline/v2/artifacts/bert/run/pretrain/id/executor-logs"
    kfp.executions = [
        Execution(
            "pretrain",
            [
                Output("executor-logs", uri=f"minio://{place}-0"),
                Output("executor-logs", uri=f"minio://{place}-1"),
            ],
        )
    ]
    kfp.stored = {f"minio/{place}-0": "first", f"minio/{place}-1": f"8 processes\n{OWN_WORDS}\n"}

    done = follow(state="FAILED", steps={"pretrain": "FAILED,FAILED"})

    assert f"error: Pretrain at length 128: {OWN_WORDS}\n" in done.stderr


def test_the_error_is_that_of_the_iteration_that_failed(follow, kfp):
    """Not that of the loop's last iteration."""
    steps = {"for-loop-1[0]/finetune": "FAILED", "for-loop-1[1]/finetune": "SUCCEEDED"}
    for number in (0, 1):
        item = f"iteration-iterations({number}:{number})(0).iteration-item(0)"
        name = pod("for-loop-1(0)", item, "finetune(0)", "executor(0)")
        logs = Output("executor-logs", uri=f"s3://b/{number}/executor-logs")
        kfp.executions.append(Execution("finetune", [logs], number, name))
        kfp.stored[f"s3/b/{number}/executor-logs"] = f"finetune: error: of iteration {number}\n"

    done = follow(state="FAILED", steps=steps)

    assert done.stderr == "error: Fine-tune on SQuAD: finetune: error: of iteration 0\n"


@pytest.mark.parametrize("is_ui", [True, False])
def test_an_unreadable_log_is_reported_with_the_command_that_shows_it(follow, kfp, is_ui, tmp_path):
    """For the right pod, in the run's namespace; the UI gives a token no log."""
    kfp.is_ui = is_ui
    kfp.token = "abc"
    (tmp_path / "token").write_text("abc")
    item = "iteration-iterations(0:0)(0).iteration-item(0)"
    name = pod("for-loop-1(0)", item, "finetune(0)", "executor(1)")
    kfp.logs = {name: LOG} if is_ui else {}
    experiment = kfp.add("experiments", {"display_name": "nightly", "namespace": "bert"})

    done = follow(
        state="FAILED",
        steps={f"{LOOP}/finetune": "FAILED,FAILED"},
        experiment_id=experiment["experiment_id"],
        flags=("--token-file", tmp_path / "token"),
    )

    assert done.returncode == 1
    assert (
        f"error: Fine-tune on SQuAD: its log can't be read from here; see it with `kubectl logs "
        f"--namespace bert {name} --container main`"
    ) in done.stderr


def test_a_step_whose_driver_failed_has_failed(follow, kfp):
    """It has no pod of its own; the driver's last words are KFP's."""
    name = pod("ingest-driver(0)", template="system-container-driver")
    kfp.logs = {
        name: "I1128 21:22:56.000 1 driver.go:80] input\n"
        "F1128 21:22:57.100 1 main.go:90] KFP driver: no such secret\n"
    }

    done = follow(state="FAILED", steps={"ingest": DRIVER_FAILED, "preprocess": OMITTED})

    assert "Fetch and check the inputs: failed" in done.stdout
    assert "error: Fetch and check the inputs: KFP driver: no such secret" in done.stderr


def test_a_crash_is_reported_with_its_traceback(follow, kfp):
    """What follows it in the log is not the step's."""
    crash = "Traceback (most recent call last):\n  File 'x.py', line 1\nAssertionError: no field\n"
    kfp.logs = {
        pod("ingest(0)", "executor(0)"): f"one line\n{crash}F1128 21:23:07.5 14 main.go:57] x"
    }

    done = follow(state="FAILED", steps={"ingest": "FAILED"})

    assert f"error: Fetch and check the inputs: {crash}" in done.stderr
    assert "one line" not in done.stderr


def test_each_iteration_of_a_loop_has_its_own_metrics(follow, kfp):
    """In the loop's order; an iteration that KFP ran again counts once."""
    for rate, iteration in ((1.0, 0), (9.0, 1), (2.0, 1)):
        metrics = [Output("finetune_metrics", {"loss": rate})]
        kfp.executions.append(Execution("finetune", metrics, iteration))

    done = follow(steps={f"for-loop-1[{one}]/finetune": "SUCCEEDED" for one in (0, 1)})

    assert "Fine-tune on SQuAD (2 times): done, 1 h 2 min" in done.stdout
    assert done.lines[-5:-1] == [
        *("Fine-tune on SQuAD (1 of 2):", "  loss: 1", "Fine-tune on SQuAD (2 of 2):", "  loss: 2")
    ]


def list_task(name: str, state: str, **outputs) -> dict:
    """A task as a KFP without ML Metadata lists it; each scalar is an artifact there."""
    return {
        "task_id": f"id-of-{name}",
        "name": name,
        "type": "RUNTIME",
        "state": state,
        "create_time": "2026-11-01T00:00:00Z",
        "end_time": "2026-11-01T00:01:00Z",
        "pods": [
            {"name": f"{name}-{kind}", "type": kind.upper()} for kind in ("driver", "executor")
        ],
        "outputs": {
            "artifacts": [
                {
                    "artifact_key": key,
                    "artifacts": [
                        {"name": scalar, "type": "Metric", "number_value": number}
                        for scalar, number in value.items()
                    ],
                }
                for key, value in outputs.items()
            ]
        },
    }


def test_a_server_without_ml_metadata_gives_everything_over_rest(follow, kfp):
    """It lists tasks, page by page, in place of the workflow's nodes: states, pods, metrics."""
    kfp.is_ui = False
    kfp.listed_tasks = [
        {"task_id": "root", "name": "root", "type": "ROOT", "state": "FAILED"},
        list_task("ingest", "CACHED"),
        list_task("pretrain", "SUCCEEDED", pretrain_metrics={"loss": 6.5, "skipped_steps": 0}),
        list_task("pretrain-2", "FAILED"),
    ]
    kfp.logs = {"pretrain-2-executor": LOG}

    done = follow(state="FAILED")

    assert done.returncode == 1
    assert done.lines[:-1] == [
        "Fetch and check the inputs: done (from the cache)",
        "Pretrain at length 128: done, 1 min 0 s",
        "Pretrain at length 512: failed, 1 min 0 s",
        "run: failed",
        "taken from the cache, not run: Fetch and check the inputs",
        "not run: Turn the text into records, Fine-tune on SQuAD, Evaluate, Choose the best model, "
        "Release",
        *("Pretrain at length 128:", "  loss: 6.5", "  skipped_steps: 0"),
    ]
    assert done.stderr == f"error: Pretrain at length 512: {OWN_WORDS}\n"


def test_unreadable_metrics_do_not_fail_the_command(follow, kfp):
    """Each place is named with its reason, the link is there all the same."""
    kfp.metadata_error = "no healthy upstream"

    done = follow(steps={"ingest": "SUCCEEDED"})

    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert "the metrics can't be read from here; see the UI" in said
    assert "the API server: 404 for the run's tasks" in said
    assert "no healthy upstream (gRPC 14)" in said
    assert "the run names no pipeline root" in said
    assert "/#/runs/details/" in done.stdout.splitlines()[-1]


def test_a_canceled_run_is_canceled_though_kfp_ends_it_as_failed(kfp):
    """Status 3; `runs` and the step that it was ended in say so, too; it has no error."""
    states = [
        (f"2026-11-28T21:23:{second:02}Z", state)
        for second, state in ((0, "PENDING"), (5, "RUNNING"), (50, "CANCELING"), (59, "FAILED"))
    ]
    run = read_answer("run-failed")
    run["state_history"] = [{"update_time": time, "state": state} for time, state in states]
    run["pipeline_version_reference"] = None
    run_id = kfp.add("runs", {**run, **submitted(kfp)})["run_id"]

    done = run_command("follow", run_id, "--host", kfp.address)
    listed = run_command("runs", "--host", kfp.address)

    assert done.returncode == 3
    assert "Fetch and check the inputs: canceled, 1 min 20 s" in done.stdout
    assert "run: canceled" in done.stdout
    assert "error:" not in done.stderr
    assert re.search(r"bert 2026-11-28 21:22:44 +canceled ", listed.stdout)


def submitted(kfp) -> dict:
    kfp.add_pipeline("bert", "1")
    ((version,),) = kfp.versions.values()
    return {"pipeline_spec": version["pipeline_spec"]}


def test_steps_from_the_cache_are_named(follow):
    """They took no time; each is named once more at the end."""
    steps = {"ingest": CACHED, "preprocess": CACHED, "pretrain": "SUCCEEDED"}

    done = follow(steps=steps)

    lines = done.lines
    assert lines[:3] == [
        "Fetch and check the inputs: done (from the cache)",
        "Turn the text into records: done (from the cache)",
        "Pretrain at length 128: done, 1 h 2 min",
    ]
    assert "taken from the cache, not run: Fetch and check the inputs, Turn the text into " in (
        done.stdout
    )


def test_an_unknown_run_is_reported_in_one_line(kfp):
    """KFP's own words, without the chain of its functions."""
    done = run_command("follow", "nope", "--host", kfp.address)

    assert done.returncode == 2
    assert done.last_error == (
        f"follow: error: {kfp.address}: the server answers 404 Not Found: Run nope not found; "
        "check the run's id, the namespace and your rights"
    )


def test_a_request_without_a_token_is_answered_with_how_to_sign_in(kfp):
    """The API server itself answers its health to anybody, and refuses what comes next."""
    kfp.token = "abc"

    done = run_command("runs", "--host", kfp.address, "--namespace", "bert")

    assert done.returncode == 2
    assert done.last_error == (
        f"runs: error: {kfp.address}: the server answers 401 Unauthorized: Failed to check "
        "authorization. User identity is empty in the request header; sign in with --token-file, "
        "a file with a token that the server takes"
    )
