"""The model-only benchmark, on each of Keras's backends that is at hand."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import LONGEST_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
# With PyTorch and JAX, as `make huggingface` sets it up.
OTHER_PYTHON = REPOSITORY / "tests" / "huggingface" / ".venv" / "bin" / "python"


def find_python(backend: str) -> str:
    if backend == "tensorflow":
        return sys.executable
    if not OTHER_PYTHON.exists():
        pytest.skip(f"needs {backend}: make huggingface")
    return str(OTHER_PYTHON)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_trains_the_model(backend, tmp_path):
    """From ln 30522 + ln 2 downwards on one batch; speed and shares are positive numbers."""
    output = tmp_path / "model.json"
    flags = "--preset tiny --lengths 16 --batch-sizes 4 --precisions float32 mixed_bfloat16"
    command = [find_python(backend), "-m", "tests.benchmarks.model", *flags.split()]
    command += ["--repeats", "8", "--learning-rate", "0.02", "--peak", "0.1"]

    done = subprocess.run(
        [*command, "--output", output],
        cwd=REPOSITORY,
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    content = json.loads(output.read_text(encoding="utf-8"))
    assert f" on {backend}" in content["title"]
    figures = [(figure["name"].strip(), figure["value"]) for figure in content["figures"]]
    for start in (0, 5):  # of each precision
        (_, speed), (_, first), (_, last), *shares = figures[start : start + 5]
        assert first == pytest.approx(math.log(30522) + math.log(2), abs=0.5)
        assert last < first - 0.3
        assert speed > 0
        assert [name for name, _ in shares] == [
            "of a large product's speed",
            "of the device's peak",
        ]
        assert all(0 < share < 1 for _, share in shares)
    assert figures[-1] == (
        "mixed_bfloat16 over float32, length 16",
        pytest.approx(figures[5][1] / figures[0][1]),
    )
