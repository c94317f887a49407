"""A training killed inside its container: the container goes on, and its weights are the same."""

import json
import os
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from components.shared.images import name_image
from tests.pipelines.engine import needs_images
from tests.pipelines.whole_runs.two_words import BERT_CONFIG, write_table

# The newest of the container's processes that train.
KILL_TRAINING = """
import os, signal
from pathlib import Path
pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
pids = [pid for pid in pids if pid != os.getpid()]  # whose command line is this text
pids = [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
os.kill(max(pids), signal.SIGKILL)
"""


def make_command(folder: Path, stage: str, *words: str, name: str = "") -> list[str]:
    # Horovod looks up the address of the host's own name.
    command = ["docker", "run", "--network", "none", "--hostname", "localhost"]
    command += ["--user", f"{os.getuid()}:{os.getgid()}"]
    command += ["--env", "HOME=/tmp", "--volume", f"{folder}:{folder}"]
    command += ["--name", name] if name else ["--rm"]
    return [*command, name_image(stage), "python", "-m", f"components.{stage}", *words]


def make_finetune(folder: Path, output: Path, name: str) -> list[str]:
    output.mkdir()
    settings = {
        "sentences": folder / "sentences",
        "initial-checkpoint": folder / "initial",
        "checkpoint": output / "checkpoint",
        "history": output / "history.jsonl",
        "finetune-metrics": output / "metrics.json",
        "max-length-tokens": 16,
        "num-epochs": 100,
        "checkpoint-every-steps": 20,
    }
    words = [f"--{setting}={value}" for setting, value in settings.items()]
    return make_command(folder, "finetune", "classification", *words, name=name)


@pytest.mark.long
@needs_images
def test_a_training_killed_in_its_container_is_restarted_there(tmp_path):
    """With kill -9; compared with a container that nobody disturbed."""
    write_table(tmp_path, 80)
    settings = {
        "train": tmp_path / "train.csv",
        "vocabulary": tmp_path / "vocab.txt",
        "bert-config": json.dumps(BERT_CONFIG),
        "sentences": tmp_path / "sentences",
        "given-checkpoint": tmp_path / "initial",
    }
    words = [f"--{setting}={value}" for setting, value in settings.items()]
    subprocess.run(make_command(tmp_path, "ingest", "classification", *words), check=True)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    name = f"killed-{uuid.uuid4().hex[:8]}"
    try:
        undisturbed = make_finetune(tmp_path, straight, f"{name}-straight")
        subprocess.run(undisturbed, check=True, timeout=600)

        process = subprocess.Popen(
            make_finetune(tmp_path, killed, name), stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 300
        while not list((killed / "checkpoint-steps").glob("step-*")):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        subprocess.run(["docker", "exec", name, "python", "-c", KILL_TRAINING], check=True)
        _, errors = process.communicate(timeout=600)
    finally:
        for container in (name, f"{name}-straight"):
            subprocess.run(["docker", "rm", "--force", container], check=False, capture_output=True)

    assert process.returncode == 0, errors
    assert "signal 9 and no error of its own" in errors
    assert "; restart 1 of 3 from step " in errors
    checksums = [
        json.loads((output / "checkpoint" / "checkpoint.json").read_text("utf-8"))["sha256"]
        for output in (straight, killed)
    ]
    assert checksums[0] == checksums[1]
