"""Writes small artifacts of each kind with the commands of a checkout of this repository.

    git worktree add ../earlier v0.1.0 && make -C ../earlier environments
    .venv/bin/python -m tests.compatibility.write ../earlier tests/compatibility/0.1.0

The commands are those of the stages, with the checkout's own environments. Paths in the artifacts
are relative to the folder.
"""

import bz2
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CONFIG = {
    "vocab_size": 160,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}
# Those that the interrupted training and the one without interruption have in common.
PRETRAINING = {
    "dataset": "dataset",
    "vocabulary": "vocab.txt",
    "sequence_length": 32,
    "bert_config": json.dumps(CONFIG),
    "num_steps": 60,
    "global_batch_size": 8,
    "micro_batch_size": 8,
    "learning_rate": 0.01,
    "log_every_steps": 10,
    "checkpoint_every_steps": 5,
    "num_checkpoints_kept": 1,
    "num_validation_batches": 1,
    "validate_every_steps": 20,
}
WINDOWS = {"max_length_tokens": 48, "stride_tokens": 16, "max_query_tokens": 16}
_WORDS = (
    "river", "stone", "bridge", "market", "harbor", "winter", "garden", "letter", "engine", "copper"
)  # fmt: skip
_DUMP = "testwiki-20260101-pages-articles.xml.bz2"
_WAIT_SECONDS = 300


class StageError(Exception):
    """A stage's command failed: what it printed."""


class Stages:
    """The stages of a checkout, run in the folder of the artifacts."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout, self.folder = checkout.resolve(), folder.resolve()

    def start(self, stage: str, *command: str, **settings: object) -> subprocess.Popen[str]:
        """Start a stage's command; settings are its flags."""
        project = "evaluate" if stage == "release" else stage
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        python = self.checkout / "images" / project / ".venv" / "bin" / "python"
        return subprocess.Popen(
            [str(python), "-m", f"components.{stage}", *command, *flags],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.checkout)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, stage: str, *command: str, **settings: object) -> str:
        """Run a stage's command, and return what it printed."""
        process = self.start(stage, *command, **settings)
        printed, _ = process.communicate()
        if process.returncode:
            raise StageError(f"{stage}: exit status {process.returncode}:\n{printed}")
        return printed


def write_inputs(folder: Path) -> None:
    """Write a dump, text, questions and labeled sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    random_ = random.Random(1)

    def sentence() -> str:
        return " ".join(random_.choices(_WORDS, k=8)).capitalize() + "."

    def article() -> str:
        return "\n\n".join(" ".join(sentence() for _ in range(4)) for _ in range(3))

    pages = "".join(
        f"<page><title>Page {number}</title><ns>0</ns><revision><text>{article()}</text>"
        "</revision></page>\n"
        for number in range(6)
    )
    (folder / _DUMP).write_bytes(bz2.compress(f"<mediawiki>\n{pages}</mediawiki>\n".encode()))
    (folder / "text.txt").write_text(article() + "\n", encoding="utf-8")
    for name, count in (("train", 8), ("dev", 4)):
        paragraphs = []
        for number in range(count):
            context = sentence()
            answer = context.split()[2]
            start = context.index(answer)
            question = {
                "id": f"{name}-{number}",
                "question": f"What is after {context.split()[1]}?",
                "answers": [{"text": answer, "answer_start": start}],
            }
            paragraphs.append({"context": context, "qas": [question]})
        squad = {"version": "1.1", "data": [{"title": name, "paragraphs": paragraphs}]}
        (folder / f"{name}.json").write_text(json.dumps(squad), encoding="utf-8")
    rows = [f"{word} {index}\t{index % 2}" for index, word in enumerate(_WORDS)]
    (folder / "labeled.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n", "utf-8")


def name_inputs(folder: Path) -> dict[str, str]:
    """Return the settings that name them."""
    return {
        "dump": with_checksum(folder, _DUMP),
        "text": with_checksum(folder, "text.txt"),
        "squad_train": with_checksum(folder, "train.json"),
        "squad_dev": with_checksum(folder, "dev.json"),
    }


def with_checksum(folder: Path, name: str) -> str:
    """Name a file by its content, whatever its date and its folder's place are."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return f"{folder.name}/{name}#sha256={digest}"


def write_artifacts(stages: Stages) -> None:
    """Write all of them."""
    folder = stages.folder
    write_inputs(folder / "inputs")
    inputs = name_inputs(folder / "inputs")
    look_for_data(stages, inputs, "trained-on.json")
    stages.run(
        "ingest",
        **inputs,
        squad="squad",
        dump_files="dump",
        text_files="text",
        given_vocabulary="given/vocab.txt",
        given_checkpoint="given/checkpoint",
        given_dataset="given/dataset",
    )
    make_dataset(stages, "dataset")
    pretrain(stages, "pretrained")
    interrupt(stages, "interrupted")
    tune(stages, "finetuned")
    evaluate(stages, "finetuned", "evaluated")
    release(stages, "finetuned", "evaluated")
    tune(stages, "finetuned-again", seed=7)
    evaluate(stages, "finetuned-again", "evaluated-again")
    release(stages, "finetuned-again", "evaluated-again", max_drop=100)
    stages.run(
        "ingest",
        "classification",
        train="inputs/labeled.tsv",
        dev="inputs/labeled.tsv",
        sentences="sentences",
        vocabulary="vocab.txt",
        given_checkpoint="given/classifier",
    )
    shutil.copy(stages.checkout / "manifests" / "base" / "schedules.yaml", folder)


def make_dataset(stages: Stages, output: str) -> None:
    """Preprocess the dump and the text; vocab.txt is written again."""
    stages.run(
        "preprocess",
        dump_files="dump",
        text_files="text",
        dataset=output,
        vocabulary="vocab.txt",
        vocabulary_size=CONFIG["vocab_size"],
        sequence_lengths=PRETRAINING["sequence_length"],
        num_duplicates=2,
        held_out_rate=0.3,
        num_shards=1,
        num_workers=1,
    )


def look_for_data(
    stages: Stages, inputs: Mapping[str, str], record: str, **settings: object
) -> str:
    """Look for new data, record it if there is some, and return what was printed."""
    names = ("is_new", "found_dump", "fingerprint", "dump_checkpoints", "inputs", "changes")
    outputs = {name: f"looked/{name}" for name in names}
    printed = stages.run("ingest", "look", **inputs, record=record, **outputs, **settings)
    found = {name: (stages.folder / path).read_text("utf-8") for name, path in outputs.items()}
    if found["is_new"] == "true":
        given = {name: found[name] for name in ("fingerprint", "inputs")}
        stages.run("ingest", "record", dump=found["found_dump"], record=record, **given)
    return printed


def pretrain(stages: Stages, output: str, **settings: object) -> str:
    """Pretrain, and return what was printed."""
    return stages.run("pretrain", **{**PRETRAINING, **_list_outputs(output), **settings})


def interrupt(stages: Stages, output: str) -> None:
    """Pretrain, and end the training by SIGTERM once it has saved a state."""
    process = stages.start("pretrain", **PRETRAINING, **_list_outputs(output))
    states, end = stages.folder / output / "checkpoint-steps", time.monotonic() + _WAIT_SECONDS
    while not list(states.glob("step-*/checkpoint.json")):
        if process.poll() is not None or time.monotonic() > end:
            raise StageError(f"pretrain saved no state:\n{process.communicate()[0]}")
        time.sleep(0.001)
    shutil.copy(states / "training.lock", stages.folder / output)  # ends with the training
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate()
    if process.returncode != 128 + signal.SIGTERM:
        raise StageError(f"pretrain: exit status {process.returncode}:\n{printed}")


def _list_outputs(output: str) -> dict[str, str]:
    return {
        "checkpoint": f"{output}/checkpoint",
        "history": f"{output}/history.jsonl",
        "pretrain_metrics": f"{output}/metrics.json",
    }


def tune(stages: Stages, output: str, **settings: object) -> None:
    """Fine-tune the pretrained checkpoint on the questions."""
    stages.run(
        "finetune",
        initial_checkpoint="pretrained/checkpoint",
        squad="squad",
        checkpoint=f"{output}/checkpoint",
        history=f"{output}/history.jsonl",
        finetune_metrics=f"{output}/metrics.json",
        num_epochs=1,
        global_batch_size=4,
        micro_batch_size=4,
        **WINDOWS,
        **settings,
    )


def evaluate(stages: Stages, model: str, output: str) -> None:
    """Evaluate a model on the questions."""
    stages.run(
        "evaluate",
        checkpoint=f"{model}/checkpoint",
        pretrain_128_history="pretrained/history.jsonl",
        finetune_history=f"{model}/history.jsonl",
        squad="squad",
        evaluate_metrics=f"{output}/metrics.json",
        report=f"{output}/report.html",
        summary=f"{output}/summary.md",
        predictions=f"{output}/predictions",
        num_speed_batches=1,
        **WINDOWS,
    )


def release(stages: Stages, model: str, evaluated: str, **settings: object) -> str:
    """Release a model, and return what was printed."""
    return stages.run(
        "release",
        checkpoint=f"{model}/checkpoint",
        candidate_metrics=f"{evaluated}/metrics.json",
        squad="squad",
        release_metrics="released/metrics.json",
        release_report="released/report.html",
        model_store="models",
        **settings,
    )


def main(checkout: Path, folder: Path) -> None:
    """Write the artifacts, without what no later step reads."""
    write_artifacts(Stages(checkout, folder))
    for name in ("given", "looked", "released", "finetuned-again", "evaluated-again"):
        shutil.rmtree(folder / name)
    for name in ("report.html", "summary.md", "predictions/nbest_predictions.json"):
        (folder / "evaluated" / name).unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
