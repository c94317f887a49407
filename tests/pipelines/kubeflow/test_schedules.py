"""A cluster's recurring runs follow schedules.yaml, through kfp's own client."""

import pytest
import yaml

from components.shared.errors import InputError
from pipelines.kubeflow.schedules import ScheduleFile, read_schedules
from tests.mutations import NUM_MUTATIONS, fuzz
from tests.pipelines.cli import Done, run_command
from tests.pipelines.fakes.fake_kfp import running_fake_kfp

MONTHLY = {
    "name": "monthly",
    "pipeline": "bert",
    "cron": "0 0 3 2 * *",
    "experiment": "retraining",
    "parameters": {
        "dump": "simplewiki-latest",
        "squad_train": "gs://bucket/train.json",
        "num_processes": 8,
        "lowercase": True,
    },
    "pipeline_root": "s3://bucket/runs",
}

CLEAN = {
    "cron": "0 30 3 * * 0",
    "time_zone": "Europe/Berlin",
    "root": "s3://bucket/runs",
    "keep_runs": 2,
    "older_than": "12h",
    "model_store": ["s3://bucket/models"],
    "versions": True,
}


@pytest.fixture
def kfp():
    with running_fake_kfp() as server:
        server.add_pipeline("bert", "0.1.0", "0.2.0")
        yield server


@pytest.fixture
def apply(kfp, tmp_path):
    """Apply a file with these schedules; returns the ended command."""

    def run(*schedules, flags=(), host=None, **sections) -> Done:
        file = tmp_path / "schedules.yaml"
        document = {"schedules": list(schedules), **sections}
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        host = host or kfp.address
        return run_command("schedule", "apply", "--file", file, "--host", host, *flags)

    return run


def only_run(kfp) -> dict:
    (run,) = kfp.objects["recurringruns"].values()
    return run


def test_a_schedule_becomes_a_recurring_run(apply, kfp):
    """With its trigger, parameters of their own types, and no version: the newest each time."""
    done = apply(MONTHLY)

    assert done.returncode == 0, done.stderr
    assert "+ monthly: bert at 0 0 3 2 * *" in done.stdout
    run = only_run(kfp)
    assert run["display_name"] == "monthly"
    assert run["trigger"]["cron_schedule"]["cron"] == "0 0 3 2 * *"
    assert run["runtime_config"]["parameters"] == MONTHLY["parameters"]
    assert run["runtime_config"]["pipeline_root"] == "s3://bucket/runs"
    assert not run["pipeline_version_reference"].get("pipeline_version_id")
    assert (run["status"], run["no_catchup"]) == ("ENABLED", True)
    assert next(iter(kfp.objects["experiments"].values()))["display_name"] == "retraining"


RETRAINING = {
    **MONTHLY,
    "pipeline": "bert-retraining",
    "parameters": {
        **MONTHLY["parameters"],
        "record": "s3://bucket/last.json",
        "retrain_on": ["data", "settings"],
        "initial_checkpoint": "current",
        "model_store": "s3://bucket/models",
    },
}


def test_a_retraining_that_compares_settings_gets_their_digest(apply, kfp):
    """The same for the same settings, given or default; what names data has no part in it."""
    kfp.add_pipeline("bert-retraining", "0.1.0")
    digests = []
    for changed in (
        {},
        {"dump": "enwiki-latest"},
        {"finetune_num_epochs": 2.0},
        {"finetune_num_epochs": 2},
        {"seed": 7},
    ):
        parameters = {**RETRAINING["parameters"], **changed}
        done = apply({**RETRAINING, "parameters": parameters})
        assert done.returncode == 0, done.stderr
        digests.append(only_run(kfp)["runtime_config"]["parameters"]["settings_digest"])

    assert "nothing to do" in apply({**RETRAINING, "parameters": parameters}).stdout
    assert len(set(digests[:-1])) == 1
    assert digests[-1] != digests[0]


def test_current_without_a_model_store_is_rejected(apply, kfp):
    """The run would find out at night."""
    kfp.add_pipeline("bert-retraining", "0.1.0")

    done = apply({**RETRAINING, "parameters": {**RETRAINING["parameters"], "model_store": ""}})

    assert done.returncode == 2
    assert "schedule monthly: look: initial_checkpoint is current, but" in done.last_error


def test_current_is_for_retrainings_alone(apply, kfp):
    """No step of another pipeline asks the model store."""
    parameters = {**MONTHLY["parameters"], "initial_checkpoint": "current"}

    done = apply({**MONTHLY, "parameters": parameters})

    assert done.returncode == 2
    assert "ingest: initial_checkpoint: current is for retraining pipelines" in done.last_error


def test_applying_again_changes_nothing(apply, kfp):
    """Not one request that writes."""
    other = {**MONTHLY, "name": "other", "version": "0.1.0", "max_concurrency": 3}
    apply(MONTHLY, other)
    kfp.writes.clear()

    done = apply(MONTHLY, other)

    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert not kfp.writes


def test_a_change_is_shown_field_by_field_and_made(apply, kfp):
    """The old run is gone once the new one is there."""
    apply(MONTHLY)
    old = only_run(kfp)["recurring_run_id"]
    kfp.writes.clear()

    done = apply({**MONTHLY, "cron": "0 0 4 2 * *", "version": "0.2.0"})

    assert "    cron: '0 0 3 2 * *' -> '0 0 4 2 * *'" in done.stdout
    assert "    version: 'latest' -> '0.2.0'" in done.stdout
    run = only_run(kfp)
    assert run["recurring_run_id"] != old
    assert run["pipeline_version_reference"]["pipeline_version_id"].endswith("0.2.0")
    assert kfp.writes[-1].endswith(old)


def test_of_the_parameters_only_those_that_differ_are_shown(apply):
    """Each by its name; one that is new or gone was or is not set."""
    apply(MONTHLY)
    parameters = {**MONTHLY["parameters"], "num_processes": 16, "seed": 7}
    del parameters["lowercase"]

    done = apply({**MONTHLY, "parameters": parameters}, flags=("--dry-run",))

    assert done.stdout.splitlines()[:-1] == [
        "~ monthly",
        "    parameters.num_processes: 8 -> 16",
        "    parameters.seed: not set -> 7",
        "    parameters.lowercase: True -> not set",
    ]


def test_parameters_that_the_newest_version_lacks_are_found(apply, kfp):
    """Though the schedule is as the file says: its next run would fail."""
    apply(MONTHLY)
    (pipeline_id,) = kfp.objects["pipelines"]
    newest = kfp.versions[pipeline_id][-1]["pipeline_spec"]["pipeline_spec"]
    del newest["root"]["inputDefinitions"]["parameters"]["lowercase"]

    done = apply(MONTHLY)

    assert done.returncode == 2
    assert "schedule monthly: bert has no parameter 'lowercase'" in done.stderr


def test_a_pause_keeps_the_run(apply, kfp):
    """Its history in the UI stays with it; so does lifting it."""
    apply(MONTHLY)
    id_ = only_run(kfp)["recurring_run_id"]

    apply({**MONTHLY, "paused": True})
    paused = dict(only_run(kfp))
    apply(MONTHLY)

    assert (paused["recurring_run_id"], paused["status"]) == (id_, "DISABLED")
    assert (only_run(kfp)["recurring_run_id"], only_run(kfp)["status"]) == (id_, "ENABLED")


def test_what_the_file_no_longer_holds_is_removed(apply, kfp):
    """But nothing that somebody else made."""
    kfp.add("recurringruns", {"display_name": "by hand", "description": "mine"})
    apply(MONTHLY, {**MONTHLY, "name": "second"}, {**MONTHLY, "name": "third"})
    assert len(kfp.objects["recurringruns"]) == 4

    done = apply({**MONTHLY, "name": "second"})

    assert "- monthly" in done.stdout
    names = {run["display_name"] for run in kfp.objects["recurringruns"].values()}
    assert names == {"by hand", "second"}


def test_a_run_changed_by_hand_is_set_right(apply, kfp):
    """The file wins."""
    apply(MONTHLY)
    only_run(kfp)["trigger"]["cron_schedule"]["cron"] = "0 * * * * *"

    apply(MONTHLY)

    assert only_run(kfp)["trigger"]["cron_schedule"]["cron"] == MONTHLY["cron"]


def test_a_dry_run_shows_and_changes_nothing(apply, kfp):
    """Not one request that writes."""
    done = apply(MONTHLY, flags=("--dry-run",))

    assert done.returncode == 0, done.stderr
    assert "+ monthly" in done.stdout
    assert "1 to change; nothing was changed" in done.stdout
    assert not kfp.writes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cron": "0 3 2 * *"}, "has six, seconds first: '0 0 3 2 * *'"),
        ({"cron": "daily"}, "cron 'daily' must have six fields"),
        ({"cron": "0 0 24 * * *"}, "hours must be 0 to 23, got 24"),
        ({"cron": "0 */90 3 1-32 * *"}, "day of the month must be 1 to 31, got 32"),
        ({"cron": "0 0 3 * * 7"}, "day of the week must be 0 to 6, got 7"),
        ({"cron": "0 0 3 * * MON-FRY"}, "day of the week must be a number or one of sun, mon,"),
        ({"cron": None}, "cron is missing"),
        ({"cron": "*/0 * * * * *"}, "seconds must have a step of 1 or more"),
        ({"frequency": 3}, "unknown field 'frequency'; known are name"),
        ({"parameters": ["dump"]}, "parameters must be a table"),
        ({"max_concurrency": 0}, "max_concurrency must be 1 to 10, got 0"),
        ({"paused": "no"}, "paused must be true or false"),
        ({"pipeline": "gpt"}, "the cluster has no pipeline 'gpt'; `python -m pipelines register`"),
        ({"version": "9"}, "bert has no version '9', only 0.2.0, 0.1.0"),
        ({"parameters": {"dump": "x"}}, "bert needs squad_train; add to its parameters"),
        (
            {"parameters": {**MONTHLY["parameters"], "num_proceses": 8}},
            "bert has no parameter 'num_proceses'; is it num_processes?",
        ),
        (
            {"parameters": {**MONTHLY["parameters"], "seed": "7"}},
            "seed must be a whole number, got '7'",
        ),
        (
            {"parameters": {**MONTHLY["parameters"], "finetune_global_batch_size": 36}},
            "finetune: global_batch_size 36 cannot be cut",
        ),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_wrong_schedule_is_rejected_by_its_name(apply, kfp, change, said, flags):
    """In one line, status 2, and nothing is made, the right schedule before it neither."""
    done = apply({**MONTHLY, "name": "right"}, {**MONTHLY, **change}, flags=flags)

    assert done.returncode == 2
    assert not done.stdout
    assert said in done.stderr.splitlines()[-1]
    assert "monthly" in done.stderr.splitlines()[-1]
    assert not kfp.objects["recurringruns"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cron": "30 3 * * 0"}, "has six, seconds first: '0 30 3 * * 0'"),
        ({"cron": "0 30 24 * * 0"}, "hours must be 0 to 23, got 24"),
        ({"cron": None}, "cron is missing"),
        ({"root": " "}, "root is missing"),
        ({"root": "runs"}, "root must be in a bucket (gs://, s3:// or minio://), got 'runs'"),
        ({"scratch": ["/scratch"]}, "scratch must be in a bucket"),
        ({"model_store": "s3://bucket/models"}, "model_store must be a list of texts, got"),
        ({"scratch": [1]}, "scratch must be a list of texts, got [1]"),
        ({"keep_runs": -1}, "keep_runs must be 0 or more, got -1"),
        ({"keep_runs": True}, "keep_runs must be a whole number, got true"),
        ({"older_than": "a month"}, "older_than must be days or hours, such as 30d or 12h"),
        ({"older_than": 30}, "older_than must be text, got 30"),
        ({"time_zone": "Mars/Olympus"}, "time_zone must be UTC or a name that this machine knows"),
        ({"time_zone": ""}, "time_zone must be UTC or a name"),
        ({"versions": "yes"}, "versions must be true or false, got"),
        ({"frequency": 3}, "unknown field 'frequency'; known are root, keep_runs, older_than"),
    ],
)
def test_a_wrong_clean_is_rejected_like_a_schedule(apply, kfp, change, said):
    """By its section, in one line, before anything is made."""
    done = apply(MONTHLY, clean={**CLEAN, **change})

    assert done.returncode == 2
    assert not done.stdout
    assert "schedules.yaml: clean: " in done.stderr.splitlines()[-1]
    assert said in done.stderr.splitlines()[-1]
    assert not kfp.objects["recurringruns"]


def test_a_clean_that_is_no_table_is_rejected(apply):
    """As is a key that is no section."""
    assert "clean: expected fields such as cron and root" in apply(clean="weekly").stderr
    assert "at most `clean` and `format_version` beside it" in apply(cleaning=CLEAN).stderr


def test_apply_says_what_takes_care_of_the_clean(apply, kfp):
    """Kubeflow has no part in it."""
    done = apply(MONTHLY, clean=CLEAN)
    paused = apply(MONTHLY, clean={**CLEAN, "paused": True})

    assert done.returncode == 0, done.stderr
    said = "the CronJob of manifests/components/clean does it, not this command"
    assert done.lines[-1] == f"clean: at 0 30 3 * * 0 Europe/Berlin; {said}"
    assert paused.lines[-1] == f"clean: paused; {said}"
    assert only_run(kfp)["display_name"] == "monthly"


def test_an_error_of_the_server_is_passed_on(apply, kfp):
    """A pipeline that a schedule of ours ran was deleted by hand."""
    apply(MONTHLY)
    kfp.objects["pipelines"].clear()

    done = apply(MONTHLY)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("schedule: error: ")
    assert "the server answers 404" in done.stderr


def test_two_schedules_of_one_name_are_rejected(apply):
    """Which of them would count?"""
    assert "two schedules are named monthly" in apply(MONTHLY, MONTHLY).stderr


def test_a_host_that_does_not_answer_is_told_as_such(apply):
    """With how to reach one."""
    done = apply(MONTHLY, host="http://127.0.0.1:9")

    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("schedule: error: http://127.0.0.1:9: no answer")
    assert "port-forward" in last


def test_a_file_for_a_newer_release_is_rejected(tmp_path):
    """Whatever else is in it."""
    path = tmp_path / "schedules.yaml"
    path.write_text("format_version: 3\ntimers: []\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"format_version 3, .*; this release, .*, reads 2; use"):
        read_schedules(path)


def test_a_damaged_file_is_rejected_in_one_line(tmp_path):
    """2,000 times; whatever is accepted has the right types."""
    path = tmp_path / "schedules.yaml"

    def read(content):
        path.write_bytes(content)
        return read_schedules(path)

    document = {"format_version": 2, "schedules": [MONTHLY], "clean": CLEAN}
    content = yaml.safe_dump(document).encode()

    messages = fuzz(content, read, ScheduleFile)

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith(str(path)) for message in messages)


@pytest.mark.parametrize("name", ["", "  ", None])
def test_a_blank_name_is_none(apply, name):
    """It could not be told from others in the UI."""
    assert "schedule 1" in apply({**MONTHLY, "name": name}).stderr
    assert "name is missing" in apply({**MONTHLY, "name": name}).stderr
