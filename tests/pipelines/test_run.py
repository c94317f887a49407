"""`python -m pipelines run`: the real pipeline on kfp.local, and how it fails."""

import bz2
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local.environments import REPOSITORY
from tests.pipelines.engine import needs_images

SAMPLE = REPOSITORY / "pipelines" / "sample"
BERT_CONFIG = json.dumps(
    {
        "vocab_size": 2000,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
)


def run_pipeline(output: Path, **parameters) -> subprocess.CompletedProcess:
    settings = {
        "output": output,
        "dump": SAMPLE / "wiki-sample.xml.bz2",
        "squad_train": SAMPLE / "squad-sample.json",
        "vocabulary_size": 2000,
        "bert_config": BERT_CONFIG,
        "pretrain_128_num_steps": 3,
        "pretrain_512_num_steps": 2,
        "pretrain_512_global_batch_size": 4,
        "finetune_num_epochs": 0.5,
        "num_processes": 2,
    } | parameters
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in settings.items()]
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "run", *sum(pairs, ())],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.slow
def test_the_whole_pipeline_runs_on_this_machine(tmp_path):
    """A dump and SQuAD in; scores, speed, a checkpoint and a report out.

    Of two learning rates the one with the better F1 is chosen; one after the other they are
    tried. The speed is measured at other batch sizes besides.
    """
    lists = {"finetune_learning_rates": "1e-9,3e-3", "speed_batch_sizes": "1,4"}
    done = run_pipeline(tmp_path / "runs", **lists, num_speed_batches=2)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    printed = dict(re.findall(r"^  (\w+): (.+)$", done.stdout, re.MULTILINE))
    assert 0 <= float(printed["exact"]) <= float(printed["f1"]) <= 100
    assert float(printed["questions_per_second"]) > 0
    assert float(printed["float32_length_384_batch_4_latency_ms_p99"]) > 0
    assert "<svg" in Path(printed["report"]).read_text("utf-8")
    assert (Path(printed["checkpoint"]) / "bert_model.ckpt.index").exists()
    tried = list((tmp_path / "runs").glob("*/*/evaluate/evaluate_metrics"))
    scores = [json.loads(path.read_text("utf-8"))["f1"] for path in tried]
    assert len(scores) == 2
    assert float(printed["f1"]) == pytest.approx(max(scores), rel=1e-3)
    assert float(printed["learning_rate"]) in (1e-9, 3e-3)
    summary = Path(printed["checkpoint"]).with_name("summary").read_text("utf-8")
    assert re.search(r"\| 1e-09 \|.*\n\| 0\.003 \|", summary)


@pytest.mark.slow
@needs_images
def test_the_whole_pipeline_runs_in_its_images(tmp_path):
    """The same through kfp's DockerRunner, checked by what came out."""
    done = run_pipeline(tmp_path / "runs", runner="docker")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    printed = dict(re.findall(r"^  (\w+): (.+)$", done.stdout, re.MULTILINE))
    assert float(printed["questions_per_second"]) > 0
    assert (Path(printed["checkpoint"]) / "bert_model.ckpt.index").exists()


@pytest.mark.slow
def test_a_failing_step_stops_the_run_with_its_own_error_last(tmp_path):
    """Nothing of the later steps is there, and the exit status says so."""
    dump = tmp_path / "dump.xml.bz2"
    whole = (SAMPLE / "wiki-sample.xml.bz2").read_bytes()
    dump.write_bytes(whole[: len(whole) // 2])

    done = run_pipeline(tmp_path / "runs", dump=dump)

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ingest: error: {dump}")
    assert "cut" in last or "truncated" in last
    assert [p.name for p in (tmp_path / "runs").glob("*/*")] == ["ingest"]


@pytest.mark.slow
def test_an_empty_dump_is_refused_by_the_step_that_reads_it(tmp_path):
    """The step that finds it is named."""
    dump = tmp_path / "empty.xml.bz2"
    dump.write_bytes(bz2.compress(b'<mediawiki version="0.11"><siteinfo></siteinfo></mediawiki>'))

    done = run_pipeline(tmp_path / "runs", dump=dump)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("preprocess: error: ")


@pytest.mark.slow
def test_a_step_fails_once(tmp_path):
    """Only a cluster tries it again."""
    done = run_pipeline(tmp_path / "runs", bert_config="{}")

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("pretrain: error: bert_config")
    assert done.stdout.count("pretrain: error: ") == 1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"finetune_global_batch_size": 7},
            "finetune: global_batch_size 7 cannot be cut into micro-batches of up to 16 on each of "
            "num_processes 2; the nearest that can: 6 and 8",
        ),
        (
            {"pretrain_512_learning_rate": -1},
            "pretrain_512: learning_rate must be above 0, got -1.0",
        ),
        (
            {"finetune_learning_rates": "3e-5,-3e-5"},
            "finetune: learning_rate must be above 0, got -3e-05",
        ),
        ({"evaluate_batch_size": 0}, "evaluate: batch_size must be 1 or more, got 0"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_runs(tmp_path, parameters, said):
    """Though its step is not the first."""
    done = run_pipeline(tmp_path / "runs", **parameters)

    assert done.returncode == 2
    assert done.stderr == f"run: error: {said}\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("flag", "text", "kind"),
    [
        ("--finetune-learning-rates", "3e-5,", "numbers"),
        ("--finetune-learning-rates", "a", "numbers"),
        ("--finetune-learning-rates", "3e-5,0.00003", "numbers"),
        ("--speed-lengths", "128,1.5", "whole numbers"),
        ("--speed-precisions", "float32,float32", "words"),
    ],
)
def test_lists_of_what_they_are_not_are_refused(flag, text, kind):
    """Before anything runs, status 2."""
    command = [sys.executable, "-m", "pipelines", "run", "--dump", "x", "--squad-train", "x"]

    done = subprocess.run(
        [*command, flag, text],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert f"expected distinct {kind} separated by commas, got {text!r}" in done.stderr


def test_a_wrong_flag_names_the_right_ones():
    """argparse's own message, status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "--dump", "x"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "the following arguments are required: --squad-train" in done.stderr
