"""Predicts on several devices of a CPU and prints what came of it.

predict_on_devices.py CHECKPOINT NUM_DEVICES
"""

import json
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import tensorflow as tf
from tensorflow.python.eager import context

from components.evaluate.devices import describe_devices, load_on_tensorflow
from components.evaluate.predict import Predictor
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint


class SimultaneousModel(SpanModel):
    """Waits with each batch until every device has one."""

    all_devices = threading.Barrier(int(sys.argv[2]))

    def call(self, batch, training=False):
        start_BL, end_BL = super().call(batch, training=training)
        return tf.numpy_function(self._wait, [start_BL], tf.float32), end_BL

    def _wait(self, start_BL):
        self.all_devices.wait(timeout=250)
        return start_BL


class Sequence:
    """Like a window, of a length and content of its own."""

    def __init__(self, number):
        self.token_ids = [2, *([5 + number % 5] * (1 + number)), 3]
        self.first_segment_length = 1


# A batch that waits keeps a thread of this pool, which CPU devices share.
tf.config.threading.set_inter_op_parallelism_threads(8)
(cpu,) = tf.config.list_physical_devices("CPU")
devices = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[2])
tf.config.set_logical_device_configuration(cpu, devices)
checkpoint = Checkpoint.read(Path(sys.argv[1]))
model = partial(SimultaneousModel, seed=0)
replicas = load_on_tensorflow(checkpoint, model, precision="float32")
predictor = Predictor(replicas, per_token=True, noun="windows")
# TensorFlow's own record of where it put each operation of a function when it first ran.
context.enable_run_metadata()
predicted = predictor.predict(
    [Sequence(number) for number in (*range(20, 60), *range(20))],
    batch_size=3,
    num_warmup_batches=1,
)
graphs = context.export_run_metadata().partition_graphs
products = [node.device for graph in graphs for node in graph.node if "MatMul" in node.op]
models = [replica.compute for replica in predictor.replicas._replicas]
result = {
    "outputs": [[row.tolist() for row in output] for output in predicted.outputs],
    "speed": predicted.speed,
    "described": describe_devices("float32"),
    "weights_on": [one.model.bert.embeddings.word_embeddings.value.device for one in models],
    "computed_on": Counter(products),
    "traced": [one.predict.experimental_get_tracing_count() for one in models],
}
print(json.dumps(result))
