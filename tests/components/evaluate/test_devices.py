"""A CPU's model is computed by OpenVINO, and gives what TensorFlow gives."""

from functools import partial

import numpy as np
import pytest

from components.evaluate.devices import describe_devices, load_on_tensorflow, load_replicas
from components.shared.bert.heads import ClassifierModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.errors import InputError
from tests.components.evaluate.test_export_onnx import SHAPES, make_batch, write_model

LABELS = ("no", "perhaps", "yes")


def compute(replicas):
    batches, outputs = [make_batch(*shape)[0] for shape in SHAPES], {}
    replicas.run(len(batches), lambda n: batches[n], lambda n, out: outputs.update({n: out}))
    return [outputs[number] for number in range(len(batches))]


@pytest.mark.parametrize(
    ("model_class", "labels"),
    [(SpanModel, None), (ClassifierModel, LABELS)],
    ids=["spans", "labels"],
)
def test_the_outputs_are_tensorflows(model_class, labels, tmp_path):
    """Those of real tokens; what is computed by which library is told with the speed."""
    more = {} if labels is None else {"num_labels": len(labels)}
    opened = Checkpoint.read(
        write_model(tmp_path, model_class, **more, **({"labels": labels} if labels else {}))
    )
    make_model = partial(model_class, seed=0, **more)

    expected = compute(load_on_tensorflow(opened, make_model, precision="float32"))
    got = compute(load_replicas(opened, num_labels=labels and len(labels), precision="float32"))

    for shape, want, have in zip(SHAPES, expected, got, strict=True):
        real = make_batch(*shape)[1]
        for one, other in zip(want, have, strict=True):
            mask = real if labels is None else np.full(one.shape, True)
            assert np.abs(one - other)[mask].max() < 5e-5
    assert describe_devices("float32")["computed_by"].startswith("OpenVINO 20")
    assert describe_devices("mixed_float16")["computed_by"].startswith("TensorFlow 2")


@pytest.mark.parametrize(
    ("num_labels", "message"),
    [
        (None, "cls/squad/output_weights: missing\nits encoder fits: take a checkpoint that was"),
        (2, r"output_weights: shape \[3, 32\], the model's is \[2, 32\]"),
    ],
)
def test_a_model_of_another_task_is_rejected(num_labels, message, tmp_path):
    """By the weights of its head, as TensorFlow's."""
    folder = write_model(tmp_path, ClassifierModel, num_labels=len(LABELS), labels=LABELS)

    with pytest.raises(InputError, match=message):
        load_replicas(Checkpoint.read(folder), num_labels=num_labels, precision="float32")
