"""`python -m pipelines run`: the real pipeline on kfp.local, and how it fails."""

import bz2
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local.environments import REPOSITORY
from tests.pipelines.cli import run_command
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
        [sys.executable, "-m", "pipelines", "run", "bert", *sum(pairs, ())],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def read_end(shown: str) -> dict[str, str]:
    """The table and the paths at the end of a run."""
    end = shown.rpartition("Done in ")[2]
    return dict(re.findall(r"^(?:  )?(\w[^:\n]*?)(?:: |  +)(\S+)(?: s)?$", end, re.MULTILINE))


@pytest.mark.long
def test_the_whole_pipeline_runs_on_this_machine(tmp_path):
    """A dump, text and SQuAD in; scores, speed, a checkpoint and a report out.

    Of two learning rates the one with the better F1 is chosen; one after the other they are
    tried. The speed is measured at other batch sizes besides.
    """
    lists = {"finetune_learning_rates": "1e-9,3e-3", "speed_batch_sizes": "1,4"}
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text("A short text. It has two sentences.\n\nAnother.\n")
    done = run_pipeline(tmp_path / "runs", **lists, text=tmp_path / "books", num_speed_batches=2)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    (dataset,) = (tmp_path / "runs").glob("*/preprocess/dataset/dataset.json")
    corpora = json.loads(dataset.read_text("utf-8"))["corpora"]
    assert corpora["text"]["documents"] == {"kept": 2}
    printed = read_end(done.stdout)
    assert 0 <= float(printed["exact"]) <= float(printed["f1"]) <= 100
    assert float(printed["questions_per_second"]) > 0
    assert "<svg" in Path(printed["report"]).read_text("utf-8")
    assert (Path(printed["checkpoint"]) / "bert_model.ckpt.index").exists()
    tried = list((tmp_path / "runs").glob("*/*/*/evaluate/evaluate_metrics"))
    metrics = [json.loads(path.read_text("utf-8")) for path in tried]
    assert metrics[0]["float32_length_384_batch_4_latency_ms_p99"] > 0
    scores = [one["f1"] for one in metrics]
    assert len(scores) == 2
    assert float(printed["f1"]) == pytest.approx(max(scores), rel=1e-3)
    assert float(printed["learning_rate"]) in (1e-9, 3e-3)
    summary = Path(printed["checkpoint"]).with_name("summary").read_text("utf-8")
    assert float(printed["Fine-tune on SQuAD (2)"]) > 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Log: ")
    assert lines[1] == "Fetch and check the inputs …"
    assert re.fullmatch(r"Fetch and check the inputs: \d+\.\d s", lines[2])
    assert "INFO" not in done.stdout
    assert "INFO - Running pipeline" in Path(printed["log"]).read_text("utf-8")
    assert re.search(r"\| 1e-09 \|.*\n\| 0\.003 \|", summary)


@pytest.mark.slow
@needs_images
def test_the_whole_pipeline_runs_in_its_images(tmp_path):
    """The same through kfp's DockerRunner, checked by what came out."""
    done = run_pipeline(tmp_path / "runs", runner="docker")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    printed = read_end(done.stdout)
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
    assert {p.name for p in (tmp_path / "runs").glob("*/*")} == {"ingest", "log.txt"}


@pytest.mark.slow
def test_an_empty_dump_is_rejected_by_the_step_that_reads_it(tmp_path):
    """The step that finds it is named, and fails once: only a cluster tries it again."""
    dump = tmp_path / "empty.xml.bz2"
    dump.write_bytes(bz2.compress(b'<mediawiki version="0.11"><siteinfo></siteinfo></mediawiki>'))

    done = run_pipeline(tmp_path / "runs", dump=dump)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("preprocess: error: ")
    (log,) = (tmp_path / "runs").glob("*/log.txt")
    assert log.read_text("utf-8").count("preprocess: error: ") == 1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"finetune_global_batch_size": 7},
            "finetune: global_batch_size 7 cannot be cut into micro-batches of up to 16 on each of "
            "num_processes 2; nearest valid sizes: 6 and 8",
        ),
        (
            {"pretrain_512_learning_rate": -1},
            "pretrain_512: learning_rate must be above 0 and finite, got -1.0",
        ),
        (
            {"finetune_learning_rates": "3e-5,-3e-5"},
            "finetune: learning_rate must be above 0 and finite, got -3e-05",
        ),
        ({"evaluate_batch_size": 0}, "evaluate: batch_size must be 1 or more, got 0"),
    ],
)
def test_a_wrong_setting_is_rejected_before_anything_runs(tmp_path, parameters, said):
    """Though its step is not the first."""
    done = run_pipeline(tmp_path / "runs", **parameters)

    assert done.returncode == 2
    assert done.stderr == f"run: error: {said}\n"
    assert not (tmp_path / "runs").exists()


def read(box: str) -> str:
    """The words of a message, without the box around it."""
    return " ".join(re.sub("[│|]", " ", box).split())


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("--finetune-learning-rates", "3e-5,", "expected numbers separated by commas, got '3e-5,'"),
        ("--finetune-learning-rates", "a", "expected numbers separated by commas, got 'a'"),
        ("--finetune-learning-rates", "3e-5,0.00003", "must be one number or more, each once"),
        ("--finetune-seeds", "1,1", "finetune_seeds must be one number or more, each once"),
        ("--speed-lengths", "128,1.5", "expected whole numbers separated by commas, got '128,1.5'"),
        ("--speed-precisions", "float32,float32", "evaluate: speed_precisions must be distinct"),
        ("--preset", "huge", "invalid choice 'huge' for argument '--preset'"),
    ],
)
def test_a_value_of_the_wrong_form_is_rejected(flag, text, said):
    """Before anything runs, with status 2."""
    done = run_command("run", "bert", "--dump", "x.xml", "--squad-train", "x.json", flag, text)

    assert done.returncode == 2
    assert said in read(done.stderr)


def test_a_missing_parameter_is_named():
    """With status 2."""
    done = run_command("run", "bert", "--dump", "x")

    assert done.returncode == 2
    assert "--squad-train" in done.stderr


def test_an_unknown_pipeline_is_rejected_with_the_known_ones():
    """In one line, with status 2."""
    done = run_command("run", "brt", "--dump", "x")

    assert done.returncode == 2
    assert done.stderr == (
        "run: error: PIPELINE must be one of bert, squad, classification, got 'brt'; "
        "see `run --help`\n"
    )


def test_help_groups_parameters_by_stage():
    """The required ones come first, the rarely needed ones of all stages last."""
    done = run_command("run", "bert", "--help")

    assert done.returncode == 0
    order = [
        *("required options", "--squad-train", "run options", "--runner", "ingest options"),
        *("--squad-dev", "preprocess options", "--lowercase", "pretrain options"),
        *("--pretrain-512-num-steps", "finetune options", "--finetune-learning-rates"),
        *("evaluate options", "shared options", "--num-processes", "rarely-needed options"),
        "--worker-pod",
    ]
    places = [done.stdout.index(words) for words in order]
    assert places == sorted(places)
