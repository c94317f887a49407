"""The images for GPUs, started without one: what they were built with, and that they load."""

import json
import os
import subprocess

import pytest

from components.shared.images import name_image
from pipelines.local.environments import REPOSITORY

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        os.environ.get("GPU_IMAGES") != "true", reason="needs `make test-gpu-images`"
    ),
]


def run_in(stage: str, *command: str) -> str:
    done = subprocess.run(
        # Horovod looks up the address of the host's own name.
        [
            *("docker", "run", "--rm", "--network=none", "--hostname=localhost"),
            *(name_image(stage), *command),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_horovod_is_built_with_nccl_and_gloo(stage):
    """NCCL moves the gradients of GPUs, Gloo what stays on the host."""
    report = run_in(stage, "horovodrun", "--check-build")

    built = {line.split("]")[1].strip() for line in report.splitlines() if "[X]" in line}
    assert built >= {"TensorFlow", "NCCL", "Gloo"}
    assert "MPI" not in built


def test_horovod_starts_with_the_libraries_of_the_wheels():
    """NCCL is found beside Horovod; no driver is needed to load it."""
    code = (
        "import horovod.tensorflow as hvd; hvd.init(); "
        "print(hvd.size(), hvd.nccl_built() > 0, hvd.cuda_built())"
    )

    assert run_in("pretrain", "python", "-c", code).split() == ["1", "True", "True"]


def test_no_compiler_is_shipped():
    """nvcc and its toolkit stay in the stage that compiles Horovod."""
    code = "import shutil; print(shutil.which('nvcc'), shutil.which('g++'))"

    assert run_in("pretrain", "python", "-c", code).split() == ["None", "None"]


def test_the_server_answers_alike_by_both_engines():
    """TensorFlow computes on GPUs; OpenVINO on nodes without one, which `auto` chooses here."""
    results = {}
    for engine in ("tensorflow", "auto"):
        command = ["docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp"]
        command += ["--cap-drop=ALL", f"--volume={REPOSITORY}/tests:/app/tests:ro"]
        command += ["--entrypoint=python", name_image("serve"), "-m", "tests.images.ask_server"]
        done = subprocess.run([*command, engine], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        results[engine] = json.loads(done.stdout)

    assert "in float32 (float32) by TensorFlow on the CPU" in results["tensorflow"]["log"]
    assert "in float32 (float32) by OpenVINO on the CPU" in results["auto"]["log"]
    places = {
        engine: [
            [answer[name] for name in ("answer", "start", "end")]
            for answer in result["answers"]["predictions"]
        ]
        for engine, result in results.items()
    }
    assert places["tensorflow"] == places["auto"]
    assert all(answer for answer, _, _ in places["auto"])
