"""A scheduled run looks for new data first, and ends at once where there is none."""

import json
import os
from pathlib import Path

import pytest
import yaml
from kfp import dsl

from components.ingest.component import ingest
from components.shared.run_claim import claim_record
from pipelines.commands.compile import CompileSettings, compile_pipeline
from pipelines.local.images import DIGESTS
from pipelines.local.runner import StepFailedError, run
from pipelines.retraining import retraining
from tests.pipelines.commands.test_run import SAMPLE
from tests.servers import WEBHOOK_SECRET, Webhook, running


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> tuple[dict, dict]:
    """The package for a DGX-2: the pipeline's specification, and that for Kubernetes."""
    path = tmp_path_factory.mktemp("package") / "bert.yaml"
    compile_pipeline(
        CompileSettings(hardware="dgx-2", images=DIGESTS, pipeline="retraining", output=path)
    )
    pipeline, platform = yaml.safe_load_all(path.read_text("utf-8"))
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_all_steps_but_the_look_wait_for_new_data(compiled):
    """The dump's date is the one that was found, and the note comes last."""
    spec, _ = compiled
    tasks = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    (conditional,) = tasks.keys() - {"look-for-dump"}
    body = spec["components"][tasks[conditional]["componentRef"]["name"]]["dag"]["tasks"]

    condition = tasks[conditional]["triggerPolicy"]["condition"]
    assert condition.split() == [
        "inputs.parameter_values['pipelinechannel--look-for-dump-is_new']",
        "==",
        "true",
    ]
    assert body.keys() == {"bert", "record-dump"}
    assert body["record-dump"]["dependentTasks"] == ["bert"]
    given = body["bert"]["inputs"]["parameters"]
    for parameter, output in (
        ("dump", "found_dump"),
        ("initial_checkpoint", "found_checkpoint"),
        ("checkpoint_directory", "dump_checkpoints"),
    ):
        channel = f"pipelinechannel--look-for-dump-{output}"
        assert given[parameter] == {"componentInputParameter": channel}


def test_the_look_is_never_taken_from_the_cache(compiled):
    """Its parameters are the same each time; the world is not."""
    root = compiled[0]["root"]["dag"]["tasks"]
    look = compiled[0]["components"]["comp-exit-handler-1"]["dag"]["tasks"]["look-for-dump"]

    assert not look["cachingOptions"].get("enableCache")
    assert not root["notify"]["cachingOptions"].get("enableCache")


def test_the_message_comes_however_the_other_steps_end(compiled):
    """It waits for them and gets their status; a secret may hold the webhook's address."""
    spec, settings = compiled
    tasks = spec["root"]["dag"]["tasks"]
    secrets = settings["exec-notify"]["secretAsEnv"]

    assert tasks.keys() == {"exit-handler-1", "notify"}
    assert tasks["notify"]["dependentTasks"] == ["exit-handler-1"]
    assert tasks["notify"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    record = tasks["notify"]["inputs"]["parameters"]["record"]
    assert record == {"componentInputParameter": "record"}
    assert [one["secretName"] for one in secrets] == ["bert-object-store", "bert-notify"]
    assert secrets[1]["keyToEnv"] == [{"envVar": "NOTIFY_URL", "secretKey": "url"}]
    assert not [name for name, one in settings.items()
                if name != "exec-notify" and "NOTIFY_URL" in str(one)]  # fmt: skip


def test_the_package_fits_in_a_config_map(compiled):
    """Which `kubectl apply` writes twice, and a cluster keeps below 262,144 bytes."""
    assert len(yaml.safe_dump_all(compiled)) < 200_000


def test_the_look_takes_no_gpu_and_training_keeps_its_own(compiled):
    """The steps inside have the settings that they have without it."""
    spec, settings = compiled
    executors = spec["deploymentSpec"]["executors"]

    def accelerators(name):
        return executors[f"exec-{name}"]["container"]["resources"].get("accelerator", {})

    assert accelerators("look-for-dump") == accelerators("record-dump") == {}
    assert accelerators("pretrain")["resourceCount"] == "16"
    assert settings["exec-pretrain"]["nodeSelector"]["labels"]
    assert settings["exec-look-for-dump"]["nodeAffinity"]


def test_the_look_may_wait_as_long_as_another_run_may_take(compiled):
    """Its time limit would end it, and the run with it."""
    spec, settings = compiled
    hours = spec["root"]["inputDefinitions"]["parameters"]["max_run_hours"]["defaultValue"]

    assert int(settings["exec-look-for-dump"]["activeDeadlineSeconds"]) >= hours * 3600


def test_its_parameters_are_those_of_the_pipeline_and_the_record(compiled):
    """Each described for the Kubeflow UI, with the machine's defaults."""
    parameters = compiled[0]["root"]["inputDefinitions"]["parameters"]

    assert parameters["record"]["description"].startswith("JSON file that records what was")
    assert parameters["notify_format"]["description"].endswith("One of json, slack.")
    assert "final_status" not in parameters
    assert all(one.get("description") for one in parameters.values())
    assert parameters["num_processes"]["defaultValue"] == 16


@dsl.pipeline(name="fetching")
def fetching(
    dump: str,
    squad_train: str,
    squad_dev: str = "",
    dump_site: str = "https://dumps.wikimedia.org",
    checkpoint_directory: str = "",
):
    """A pipeline of one short step.

    Args:
        dump: a dump.
    """
    ingest(dump=dump, squad_train=squad_train, dump_site=dump_site)


@pytest.fixture
def arguments(tmp_path) -> dict[str, str]:
    """The parameters of a run on a dump that may be edited."""
    dump = tmp_path / "dump.xml.bz2"
    dump.write_bytes((SAMPLE / "wiki-sample.xml.bz2").read_bytes())
    return {
        "record": str(tmp_path / "last.json"),
        "dump": str(dump),
        "squad_train": str(SAMPLE / "squad-sample.json"),
    }


def test_a_run_on_a_dump_that_was_noted_does_nothing(tmp_path, arguments):
    """The first one works and notes it; another dump is worked on again."""

    def fetched(name: str) -> bool:
        run(arguments, runner="process", output=tmp_path / name, pipeline=retraining(fetching))
        return any((tmp_path / name).rglob("dump.json"))

    done = [fetched("first"), fetched("second")]
    os.utime(arguments["dump"], ns=(1, 1))
    done.append(fetched("third"))

    assert done == [True, False, True]
    assert json.loads(Path(arguments["record"]).read_text())["dump"] == arguments["dump"]


def test_a_run_beside_another_one_ends_at_once(tmp_path, arguments, capfd):
    """And leaves the record to the one that works on it."""
    claim_record(arguments["record"], "run-1", max_hours=1)

    run(arguments, runner="process", output=tmp_path / "runs", pipeline=retraining(fetching))

    assert not [*(tmp_path / "runs").rglob("dump.json")]
    assert "already running: run run-1 works on" in capfd.readouterr().out
    assert claim_record(arguments["record"], "run-2", max_hours=1).run == "run-1"


def test_a_webhook_is_told_of_a_run_on_this_machine(tmp_path, arguments, monkeypatch, capfd):
    """That one step failed, and later that there is nothing new; the log has no secret."""

    def retrain(**more):
        run(
            {**arguments, **more},
            runner="process",
            output=tmp_path / "runs",
            pipeline=retraining(fetching),
        )

    with running(Webhook()) as hook:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("NOTIFY_URL", hook.url)
        (tmp_path / "broken.json").write_text("{")
        with pytest.raises(StepFailedError, match="not JSON"):
            retrain(squad_train=str(tmp_path / "broken.json"))
        retrain(notify_on=["failed"])
        retrain(notify_on=["nothing_new"])

    failed, nothing_new = hook.messages
    assert (failed["status"], failed["failed_step"]) == ("failed", "ingest")
    assert "broken.json" in failed["error"]
    assert failed["pipeline"] == "fetching-retraining"
    assert nothing_new["status"] == "nothing_new"
    assert nothing_new["summary"].startswith("nothing new: ")
    # The failed run, too, left the record to the next one.
    assert not Path(f"{arguments['record']}.running").exists()
    shown = capfd.readouterr()
    assert WEBHOOK_SECRET not in shown.out + shown.err
