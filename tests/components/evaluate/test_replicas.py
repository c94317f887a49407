"""The devices of a machine share the work: the same answers, sooner."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.squad.question_answerer import load_predictor
from components.shared.checkpoints.checkpoint import Checkpoint
from tests.waiting import LONGEST_SECONDS, wait_until

SCRIPT = Path(__file__).with_name("predict_on_devices.py")
NUM_DEVICES = 4


@pytest.fixture
def predict_on(checkpoint):
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}

    def predict_on(num_devices: int) -> dict:
        command = [sys.executable, str(SCRIPT), str(checkpoint), str(num_devices)]
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return predict_on


@pytest.mark.long
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
    # Three windows a batch; all devices work at once, or the script would wait for ever. Half of
    # the batches take the median or longer, none longer than the maximum.
    rates = [predicted["speed"]["windows_per_second"] / 3 for predicted in (one, several)]
    assert rates[0] <= 2 * 1000 / one["speed"]["latency_ms_p50"]
    assert rates[1] > NUM_DEVICES / 2 * 1000 / several["speed"]["latency_ms_p100"]


def test_an_error_is_raised_when_no_device_is_at_work_any_more(checkpoint):
    """Or it would slow down what is measured next; no batch is begun after it."""
    replicas = load_predictor(Checkpoint.read(checkpoint), precision="float32").replicas
    # Two threads, of one device here.
    replicas._replicas *= 2
    ids = np.ones([1, 16], np.int32)
    done, threads, both_run = [], {}, threading.Barrier(2)

    def make(number):
        threads[number] = threading.current_thread()
        if number < 2:
            both_run.wait(LONGEST_SECONDS)
        if number == 0:
            raise MemoryError
        wait_until(lambda: not threads[0].is_alive())
        done.append(number)
        return {"token_ids": ids, "segment_ids": ids}

    with pytest.raises(MemoryError):
        replicas.run(10, make, lambda _number, _outputs: None)

    assert done == [1]
