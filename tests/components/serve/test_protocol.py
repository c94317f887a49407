"""Requests that take too long, between KServe's server and a model."""

import asyncio
import time

import pytest

from components.serve.config import ServeConfig
from components.serve.protocol import BertModel
from components.serve.releases import Releases
from components.serve.request_errors import TooSlowError
from components.serve.served import Served
from components.serve.tasks.question_task import QuestionTask
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.openvino_engine import Engine


def test_a_request_that_takes_too_long_is_given_up(question_model):
    """With a status of its own; the next one, which is quick, is answered."""
    config = ServeConfig(model=str(question_model), max_length_tokens=96, timeout_seconds=1)
    checkpoint = Checkpoint.read(question_model)
    graph = make_onnx(open_weights(question_model), checkpoint.config, folder=question_model)
    engine = Engine(graph, precision="float32", num_streams=1)
    delays = [1.5]

    def run(arrays):
        time.sleep(delays.pop() if delays else 0)
        return engine.run(arrays)

    served = Served("", QuestionTask(checkpoint, config), run, config, num_streams=1)
    model = BertModel(config, Releases(config), served)
    request = {"instances": [{"context": "The cat sat.", "question": "Who sat?"}]}

    async def ask():
        with pytest.raises(TooSlowError, match="not answered within 1 seconds"):
            await model.predict(request)
        return await model.predict(request)

    assert asyncio.run(ask())["predictions"][0]["answer"]
    assert TooSlowError("").http_status == 504
