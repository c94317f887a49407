"""Runs on a cluster: made and followed, through kfp's own client."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from components.shared.stage.settings import list_settings
from pipelines.commands.submit import SubmitSettings
from pipelines.compiled_package import read_package
from pipelines.kubeflow.server import connect
from pipelines.local.environments import REPOSITORY
from pipelines.monitoring.progress import duration
from pipelines.monitoring.watch import follow
from tests.pipelines.cli import run_command

PACKAGE = REPOSITORY / "manifests" / "pipelines" / "bert-cpu.yaml"
DATA = ("--dump", "simplewiki-latest", "--squad-train", "gs://bucket/train.json")
STORY = [
    ("PENDING", {}),
    ("RUNNING", {"ingest": "RUNNING"}),
    ("RUNNING", {"ingest": "SUCCEEDED", "preprocess": "RUNNING"}),
    ("SUCCEEDED", {"ingest": "SUCCEEDED", "preprocess": "SUCCEEDED", "evaluate": "SKIPPED"}),
]


@pytest.fixture
def kfp(kfp):
    kfp.story = list(STORY)
    return kfp


@pytest.fixture
def submit(kfp):
    def run(*flags, source=("--package", PACKAGE)):
        return run_command("submit", *source, "--host", kfp.address, *flags)

    return run


def only_run(kfp) -> dict:
    (run,) = kfp.objects["runs"].values()
    return run


def test_a_run_is_made_with_parameters_of_their_own_types(submit, kfp, tmp_path):
    """From a file and flags; a flag wins."""
    file = tmp_path / "parameters.yaml"
    file.write_text(yaml.safe_dump({"dump": "enwiki-latest", "seed": 7, "lowercase": False}))

    done = submit(
        *("--parameters", file, *DATA, "--num-processes", "16", "--precision", "mixed_float16"),
        *("--speed-precisions", "float32, mixed_float16", "--speed-lengths", "128,384"),
        *("--finetune-learning-rates", "3e-5,5e-5", "--experiment", "nightly", "--name", "one"),
        *("--pipeline-root", "s3://b/runs", "--service-account", "bert"),
    )

    assert done.returncode == 0, done.stderr
    run = only_run(kfp)
    assert run["runtime_config"] == {
        "parameters": {
            "dump": "simplewiki-latest",
            "squad_train": "gs://bucket/train.json",
            "seed": 7,
            "lowercase": False,
            "num_processes": 16,
            "precision": "mixed_float16",
            "finetune_learning_rates": [3e-5, 5e-5],
            "speed_precisions": ["float32", "mixed_float16"],
            "speed_lengths": [128, 384],
        },
        "pipeline_root": "s3://b/runs",
    }
    assert (run["display_name"], run["service_account"]) == ("one", "bert")
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == "bert"
    assert "kubernetes" in run["pipeline_spec"]["platform_spec"]["platforms"]
    (experiment,) = kfp.objects["experiments"].values()
    assert experiment["display_name"] == "nightly"
    assert run["experiment_id"] == experiment["experiment_id"]


def test_a_parameter_with_half_a_surrogate_pair_is_sent_as_utf8(submit, kfp, tmp_path):
    """Also from JSON, which is YAML: its parser leaves the halves of a pair apart."""
    file = tmp_path / "parameters.yaml"
    file.write_text(json.dumps({"bert_config": "\ud800", "vocabulary": "😀"}))

    done = submit("--parameters", file, *DATA)

    assert done.returncode == 0, done.stderr
    parameters = only_run(kfp)["runtime_config"]["parameters"]
    assert (parameters["bert_config"], parameters["vocabulary"]) == ("\ufffd", "😀")


def test_a_list_with_half_a_surrogate_pair_is_checked_as_it_is_sent(submit):
    """A flag may be a JSON list."""
    done = submit(*DATA, "--speed-precisions", r'["\ud800"]')

    assert done.returncode == 2
    assert done.last_error.endswith('got "\ufffd"')


def test_an_argument_that_is_not_utf8_is_rejected(submit):
    """In one line."""
    done = submit(*DATA, "--vocabulary", os.fsdecode(b"caf\xe9.txt"))

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "submit: error: the argument 'caf\ufffd.txt' is not UTF-8; type it in UTF-8, or rename "
        "the file"
    ]


def test_it_is_followed_to_its_end(submit, kfp):
    """A line a change, each step by the name that the UI shows; then what did not run."""
    done = submit(*DATA)

    link = f"{kfp.address}/#/runs/details/{only_run(kfp)['run_id']}"
    assert done.lines == [
        link,
        "Fetch and check the inputs: running",
        "run: running",
        "Fetch and check the inputs: done, 1 h 2 min",
        "Turn the text into records: running",
        "Turn the text into records: done, 1 h 2 min",
        "Evaluate: skipped",
        "run: done",
        "not run: Pretrain at length 128, Pretrain at length 512, Fine-tune on SQuAD, Evaluate, "
        "Choose the best model, Release",
        f"  {link}",
    ]


@pytest.mark.parametrize(("state", "status"), [("FAILED", 1), ("CANCELED", 3), ("SKIPPED", 0)])
def test_the_exit_status_is_that_of_the_runs_end(submit, kfp, state, status):
    """For scripts and CI."""
    kfp.story = [("RUNNING", {}), (state, {"ingest": state})]

    assert submit(*DATA).returncode == status


def test_a_terminal_shows_all_steps_drawn_anew(kfp):
    """Those that wait too; at each look over the lines of before."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    run_id = kfp.add("runs", {"state": "PENDING", "display_name": "x"})["run_id"]
    terminal = Terminal()

    follow(connect(kfp.address), run_id, read_package(PACKAGE), terminal)

    looks = re.split(r"\x1b\[9F\x1b\[J", terminal.getvalue())
    assert len(looks) == len(STORY)
    assert [len(look.splitlines()) for look in looks] == [9] * len(STORY)
    assert "Pretrain at length 128      waiting" in looks[1]
    assert "Fetch and check the inputs  done                   1 h 2 min" in looks[-1]
    assert "Pretrain at length 512      not run" in looks[-1]


def test_a_server_that_is_away_for_a_while_ends_nothing(submit, kfp):
    """A port-forward started anew."""
    kfp.failures = [503, 502]

    done = submit(*DATA)

    assert done.returncode == 0, done.stderr
    assert not kfp.failures


def test_a_registered_version_runs_by_its_name_or_as_the_newest(submit, kfp):
    """Then the UI knows which it was."""
    run_command("register", PACKAGE, "--host", kfp.address)
    version = read_package(PACKAGE).version_name

    submit(*DATA, source=("--pipeline", "bert"))
    submit(*DATA, source=("--pipeline", "bert", "--version", version))

    runs = list(kfp.objects["runs"].values())
    assert len(runs) == 2
    for run in runs:
        assert run["pipeline_version_reference"]["pipeline_version_id"].endswith(version)
        assert "pipeline_spec" not in run


def test_a_run_without_caching_runs_every_step_anew(submit, kfp):
    """Those within conditions too, and of a registered version."""
    package = PACKAGE.with_name("retraining-cpu.yaml")
    run_command("register", package, "--host", kfp.address)

    done = submit(
        *(*DATA, "--record", "s3://b/record.json", "--cache", "false"),
        source=("--pipeline", "bert-retraining"),
    )

    assert done.returncode == 0, done.stderr
    spec = only_run(kfp)["pipeline_spec"]["pipeline_spec"]
    dags = [one["dag"] for one in [spec["root"], *spec["components"].values()] if "dag" in one]
    tasks = [task for dag in dags for task in dag["tasks"].values()]
    assert len(tasks) > len(read_package(package).steps())
    assert not any(task["cachingOptions"].get("enableCache") for task in tasks)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "bert needs squad_train; give --squad-train, or a file with --parameters"),
        ((*DATA, "--seed", "x"), "--seed must be a whole number, got 'x'"),
        ((*DATA, "--seed", "1.5"), "--seed must be a whole number, got 1.5"),
        ((*DATA, "--lowercase", "1"), "--lowercase must be true or false, got 1"),
        ((*DATA, "--colour", "red"), "unrecognized arguments: --colour red"),
        (
            (*DATA, "--num-processes", "8", "--finetune-global-batch-size", "36"),
            "finetune: global_batch_size 36 cannot be cut into micro-batches of up to 16 on each "
            "of num_processes 8; nearest valid sizes: 32 and 40",
        ),
        ((*DATA, "--precision", "fp16"), 'pretrain_128: precision: expected one of "float32"'),
        ((*DATA, "--beam-runner", "spark"), "preprocess: beam_runner must be one of FnApiRunner,"),
    ],
)
def test_a_wrong_parameter_is_rejected_before_a_run_is_made(submit, kfp, flags, said):
    """Status 2, what is wrong in the last line."""
    done = submit(*flags)

    assert done.returncode == 2
    assert said in done.last_error
    assert not kfp.objects["runs"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("flavour: red", "bert has no parameter 'flavour'; it has baseline,"),
        ("sead: 7", "bert has no parameter 'sead'; is it seed?"),
        ("seed: one", "seed must be a whole number, got 'one'"),
        ("pretrain_128_learning_rate: 6e-3", "YAML reads a number only in 6.0e-3"),
        ("pretrain_128_learning_rate: 1.5e2", "YAML reads a number only in 1.5e+2"),
        ("finetune_learning_rates: [3e-5]", "holds the text '3e-5'; YAML reads a number only in"),
        ("- dump", "expected an object, got"),
        ("seed: .nan", "seed: expected a finite number, got nan"),
        ("a: b: c", "not YAML"),
    ],
)
def test_a_wrong_file_of_parameters_is_rejected(submit, kfp, tmp_path, content, said):
    """Named, with what is wrong in it."""
    file = tmp_path / "parameters.yaml"
    file.write_text(content)

    done = submit("--parameters", file)

    assert done.returncode == 2
    assert str(file) in done.stderr
    assert said in done.stderr
    assert not kfp.objects["runs"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (("--pipeline", "gpt"), "has no pipeline 'gpt'; `python -m pipelines register`"),
        (("--pipeline", "bert", "--version", "9"), "bert has no version '9', only 0.2.0, 0.1.0"),
        (("--package", "nowhere.yaml"), "nowhere.yaml: no such file"),
    ],
)
def test_what_is_not_there_is_named(submit, kfp, source, said):
    """And what is."""
    kfp.add_pipeline("bert", "0.1.0", "0.2.0")

    done = submit(*DATA, source=source)

    assert done.returncode == 2
    assert said in done.last_error


def test_parameters_are_listed_as_the_ui_describes_them(submit):
    """Without a cluster being asked."""
    done = run_command("submit", "--package", PACKAGE, "--list-parameters")

    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "--seed NUMBER Random seed." in text
    assert "(default: 12345)" in text
    assert "(default: [12345])" in text
    assert "(required)" in text


def test_no_parameter_is_hidden_behind_a_flag_of_submit():
    """One of the same name could be given in a file only."""
    parameters = read_package(PACKAGE).parameters

    assert not parameters.keys() & list_settings(SubmitSettings).keys()


@pytest.mark.parametrize("flag", ["", "--cancel-on-interrupt"])
def test_an_interrupt_leaves_the_run_or_cancels_it(kfp, flag):
    """And says how to go on; what it says works."""
    kfp.story = [("RUNNING", {"ingest": "RUNNING"})]
    command = [sys.executable, "-m", "pipelines", "submit", "--package", str(PACKAGE), *DATA]
    command += ["--host", kfp.address, *filter(None, [flag])]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if "running" in line:
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 130
    run = only_run(kfp)
    assert "Traceback" not in stderr
    if flag:
        assert run["state"] == "CANCELING"
        return
    assert run["state"] == "RUNNING"
    again = re.search(r"python -m pipelines (follow .*)", stderr)
    assert again
    kfp.story = [("SUCCEEDED", {"ingest": "SUCCEEDED"})]
    done = run_command(*again[1].split())
    assert done.returncode == 0, done.stderr
    assert "Fetch and check the inputs: done" in done.stdout


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (3720, "1 h 2 min"), (200000, "2 d 7 h")],
)
def test_durations_are_for_people(seconds, said):
    """Two units at most."""
    assert duration(seconds) == said
