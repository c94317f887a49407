"""The devices of a machine share the work: the same answers, sooner."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.answerer import load_predictor
from components.shared.bert.checkpoint import Checkpoint

SCRIPT = Path(__file__).with_name("predict_on_devices.py")
NUM_DEVICES = 4


@pytest.fixture
def predict_on(checkpoint):
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}

    def predict_on(num_devices: int) -> dict:
        command = [sys.executable, str(SCRIPT), str(checkpoint), str(num_devices)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return predict_on


@pytest.mark.slow
def test_several_devices_predict_the_same_in_the_same_order_and_sooner(predict_on):
    """Each has the weights and computes on its own; the rate counts all of them."""
    one, several = predict_on(1), predict_on(NUM_DEVICES)

    for expected, outputs in zip(one["outputs"], several["outputs"], strict=True):
        assert len(outputs) == 60
        for alone, shared in zip(expected, outputs, strict=True):
            np.testing.assert_array_equal(alone, shared)
    assert len(set(several["weights_on"])) == NUM_DEVICES
    assert several["computed_on"].keys() == set(several["weights_on"])
    assert len(set(several["computed_on"].values())) == 1
    assert several["traced"] == [1] * NUM_DEVICES
    assert (one["described"].get("devices"), several["described"]["devices"]) == (None, NUM_DEVICES)
    # Twenty batches of a tenth of a second each: five for each of four devices.
    assert one["speed"]["windows_per_second"] < 60 / (20 * 0.1)
    assert several["speed"]["windows_per_second"] > 2 * one["speed"]["windows_per_second"]
    assert several["speed"]["latency_ms_p50"] > 100


def test_an_error_is_raised_when_no_device_is_at_work_any_more(checkpoint):
    """Or it would slow down what is measured next; no batch is begun after it."""
    replicas = load_predictor(Checkpoint.read(checkpoint), precision="float32").replicas
    # Two threads, of one device here.
    replicas._replicas *= 2
    ids = np.ones([1, 16], np.int32)
    done, both_run = [], threading.Barrier(2)

    def make(number):
        if number < 2:
            both_run.wait(timeout=30)
        if number == 0:
            raise MemoryError
        time.sleep(0.5)
        done.append(number)
        return {"token_ids": ids, "segment_ids": ids}

    with pytest.raises(MemoryError):
        replicas.run(10, make, lambda _number, _outputs: None)

    assert done == [1]
